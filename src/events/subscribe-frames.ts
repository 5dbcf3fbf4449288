import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type AckResultSchema, SubscribeResponseSchema } from "../../gen/infobip/events/v1/subscribe_pb.js";
import type { Subscription } from "../../gen/infobip/events/v1/subscription_pb.js";
import { encodeCursor } from "../eventlog/cursor.ts";
import type { SubscriptionProgress, SubscriptionSession } from "../eventlog/subscription-engine.ts";
import type { SubscriptionContext } from "./subscription-context.ts";
import { describeProgress } from "./subscription-view.ts";

/** The first frame: the session is open. */
export function startedFrame(session: SubscriptionSession, subscription: Subscription): Uint8Array {
  const leaseExpireTime = timestampFromMs(session.leaseExpiresAtMs);
  return encode({ case: "started", value: { sessionId: session.id, subscription, leaseExpireTime } });
}

/** What became of an ack or nack frame. */
export function ackResultFrame(value: MessageInitShape<typeof AckResultSchema>): Uint8Array {
  return encode({ case: "ackResult", value });
}

/** How far the subscription has come. */
export function progressFrame(context: SubscriptionContext, progress: SubscriptionProgress): Uint8Array {
  return encode({ case: "progress", value: describeProgress(context, progress) });
}

/** The service stops, at `stopTimeMs` (Unix milliseconds) at the latest. */
export function drainingFrame(stopTimeMs: number): Uint8Array {
  return encode({ case: "draining", value: { stopTime: timestampFromMs(Math.floor(stopTimeMs)) } });
}

/** Events after one position and up to another are gone. */
export function gapFrame(logId: string, gap: { readonly from: number; readonly to: number }): Uint8Array {
  const value = { fromCursor: encodeCursor(logId, gap.from), toCursor: encodeCursor(logId, gap.to) };
  return encode({ case: "gap", value });
}

function encode(frame: NonNullable<MessageInitShape<typeof SubscribeResponseSchema>["frame"]>): Uint8Array {
  return toBinary(SubscribeResponseSchema, create(SubscribeResponseSchema, { frame }));
}
