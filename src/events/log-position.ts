import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { StartPosition } from "../../gen/infobip/events/v1/positions_pb.js";
import { findCursor } from "../eventlog/cursor.ts";
import type { EventLog } from "../eventlog/event-log.ts";

/** A place in the log as requests name it. */
export type PositionChoice =
  /** After this position. */
  | { readonly case: "cursor"; readonly value: string }
  /** At one end of the log. */
  | { readonly case: "start"; readonly value: StartPosition }
  /** At the first event stored at this time or later. */
  | { readonly case: "startTime"; readonly value: Timestamp }
  /** At the latest event. */
  | { readonly case: undefined };

/**
 * Finds the position that a request names.
 *
 * @throws ServiceError with the cursor errors of {@link findCursor}.
 */
export async function resolvePosition(log: EventLog, choice: PositionChoice): Promise<number> {
  switch (choice.case) {
    case "cursor":
      return findCursor(choice.value, log);
    case "startTime":
      return log.positionAtTime(toMilliseconds(choice.value));
    case "start":
      return log.bounds()[choice.value === StartPosition.EARLIEST ? "earliest" : "head"];
    default:
      return log.bounds().head;
  }
}

/**
 * A time as the log counts it, in Unix milliseconds. Rounds up: an event stored
 * within the named millisecond, but before the named time, is not wanted.
 */
export function toMilliseconds(time: Timestamp): number {
  return Number(time.seconds) * 1000 + Math.ceil(time.nanos / 1_000_000);
}
