import { create } from "@bufbuild/protobuf";
import { durationMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  AckFailureReason,
  type AckResult,
  AckResultSchema,
  type SubscribeAck,
  type SubscribeNack,
} from "../../gen/infobip/events/v1/subscribe_pb.js";
import { type CursorLog, decodeCursor, parseCursor } from "../eventlog/cursor.ts";
import type { Settlement, SettlementResult, SubscriptionSession } from "../eventlog/subscription-engine.ts";

/**
 * What a consumer settles with its acks and nacks.
 *
 * @throws ServiceError CURSOR_MALFORMED, CURSOR_FOREIGN_LOG or CURSOR_AHEAD for the cursor of an ack.
 */
export function settlementOf(
  log: CursorLog,
  ack: SubscribeAck | undefined,
  nacks: readonly SubscribeNack[],
): Settlement {
  const through = ack?.throughCursor;
  return {
    ackIds: ack?.eventIds ?? [],
    ...(through === undefined ? {} : { ackThrough: settledPosition(log, through) }),
    nacks: nacks.map(({ eventIds, delay }) => ({
      ids: eventIds,
      ...(delay === undefined ? {} : { delayMs: Math.round(durationMs(delay)) }),
    })),
  };
}

/** A position whose events the log has lost is still good: the session may hold them. */
function settledPosition(log: CursorLog, cursor: string): number {
  const content = decodeCursor(cursor);
  const isPast = content?.logId === log.id && content.sequence < log.bounds().earliest;
  return isPast ? content.sequence : parseCursor(cursor, log);
}

/** What became of a settlement, as the consumer sees it. */
export function ackResultOf(result: SettlementResult, session: SubscriptionSession): AckResult {
  return create(AckResultSchema, {
    acked: result.acked,
    nacked: result.nacked,
    failures: result.failures.map(({ eventId, reason }) => ({ eventId, reason: AckFailureReason[reason] })),
    ...(session.ended.aborted ? {} : { leaseExpireTime: timestampFromMs(session.leaseExpiresAtMs) }),
  });
}
