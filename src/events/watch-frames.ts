import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { WatchEventsResponseSchema } from "../../gen/infobip/events/v1/events_service_pb.js";
import { encodeCursor } from "../eventlog/cursor.ts";
import type { EventLog } from "../eventlog/event-log.ts";

/** The first frame: where the stream begins, and where the log begins and ends. */
export function startedFrame(log: EventLog, position: number): Uint8Array {
  const { earliest, head } = log.bounds();
  return encode({
    case: "started",
    value: {
      logId: log.id,
      cursor: encodeCursor(log.id, position),
      earliestCursor: encodeCursor(log.id, earliest),
      headCursor: encodeCursor(log.id, head),
    },
  });
}

/** How far the stream has come; `nowMs` is Unix milliseconds. */
export async function progressFrame(log: EventLog, position: number, nowMs: number): Promise<Uint8Array> {
  const oldest = await log.recordTimeAfter(position);
  const { head } = log.bounds();
  return encode({
    case: "progress",
    value: {
      cursor: encodeCursor(log.id, position),
      headCursor: encodeCursor(log.id, head),
      lagEvents: BigInt(head - position),
      lag: durationFromMs(oldest === undefined ? 0 : Math.max(0, Math.floor(nowMs - oldest))),
    },
  });
}

/** Events after one position and up to another are gone. */
export function gapFrame(log: EventLog, from: number, to: number): Uint8Array {
  return encode({
    case: "gap",
    value: { fromCursor: encodeCursor(log.id, from), toCursor: encodeCursor(log.id, to) },
  });
}

/** The service stops, at `stopTimeMs` (Unix milliseconds) at the latest. */
export function drainingFrame(stopTimeMs: number): Uint8Array {
  return encode({ case: "draining", value: { stopTime: timestampFromMs(Math.floor(stopTimeMs)) } });
}

function encode(frame: NonNullable<MessageInitShape<typeof WatchEventsResponseSchema>["frame"]>): Uint8Array {
  return toBinary(WatchEventsResponseSchema, create(WatchEventsResponseSchema, { frame }));
}
