import type { WatchEventsRequest } from "../../gen/infobip/events/v1/events_service_pb.js";
import { OnExpired } from "../../gen/infobip/events/v1/positions_pb.js";
import { decodeCursor } from "../eventlog/cursor.ts";
import type { EventLog } from "../eventlog/event-log.ts";
import { resolvePosition } from "./log-position.ts";

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
 * @throws ServiceError with the cursor errors of {@link resolvePosition}.
 */
export async function resolveStart(log: EventLog, request: WatchEventsRequest): Promise<WatchStart> {
  const { from } = request;
  if (from.case === "cursor" && resumesExpired(request)) {
    const content = decodeCursor(from.value);
    const { earliest } = log.bounds();
    if (content?.logId === log.id && content.sequence < earliest)
      return { position: earliest, gapFrom: content.sequence };
  }
  return { position: await resolvePosition(log, from) };
}

/** Whether the client wants a gap frame rather than an error when events it has not seen are gone. */
export function resumesExpired(request: WatchEventsRequest): boolean {
  return request.onExpired === OnExpired.RESUME;
}
