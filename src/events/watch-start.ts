import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  OnExpired,
  StartPosition,
  type WatchEventsRequest,
} from "../../gen/infobip/events/v1/events_service_pb.js";
import { decodeCursor, parseCursor } from "../eventlog/cursor.ts";
import type { EventLog } from "../eventlog/event-log.ts";

/** Where a stream begins. */
export interface WatchStart {
  /** Events after this position are sent. */
  readonly position: number;
  /** Position of the client's cursor when events after it are gone and the client goes on without them. */
  readonly gapFrom?: number;
}

/**
 * Finds the position that a request names.
 *
 * @throws ServiceError with the cursor errors of {@link parseCursor}.
 */
export async function resolveStart(log: EventLog, request: WatchEventsRequest): Promise<WatchStart> {
  const { from } = request;
  switch (from.case) {
    case "cursor":
      return startAtCursor(log, from.value, resumesExpired(request));
    case "startTime":
      return { position: await log.positionAtTime(toMilliseconds(from.value)) };
    case "start":
      return { position: log.bounds()[from.value === StartPosition.EARLIEST ? "earliest" : "head"] };
    default:
      return { position: log.bounds().head };
  }
}

/** Whether the client wants a gap frame rather than an error when events it has not seen are gone. */
export function resumesExpired(request: WatchEventsRequest): boolean {
  return request.onExpired === OnExpired.RESUME;
}

function startAtCursor(log: EventLog, cursor: string, resume: boolean): WatchStart {
  const content = decodeCursor(cursor);
  const { earliest } = log.bounds();
  if (resume && content?.logId === log.id && content.sequence < earliest) {
    return { position: earliest, gapFrom: content.sequence };
  }
  return { position: parseCursor(cursor, log) };
}

/** Rounds up: an event stored within the named millisecond, but before the named time, is not wanted. */
function toMilliseconds(time: Timestamp): number {
  return Number(time.seconds) * 1000 + Math.ceil(time.nanos / 1_000_000);
}
