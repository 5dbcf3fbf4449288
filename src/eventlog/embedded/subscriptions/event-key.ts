import type { EventRecord } from "../../event-log.ts";
import { eventIdOfEncoded } from "./event-id.ts";

/**
 * Distinguishes events without a message id, which nothing orders, but for
 * those of one id: a redriven event can be in the log a second time. A message
 * id is well-formed, so it never begins with half a surrogate.
 */
const ID_KEY_PREFIX = "\ud800";

/** What orders an event: of the events with one key at most one is held at a time. */
export function keyOf(record: EventRecord): string {
  return record.columns.messageId || ID_KEY_PREFIX + eventIdOfEncoded(record.encoded);
}
