import type { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import type { ServiceImplementation } from "../rpc/service-implementation.ts";
import { createGetEventLog } from "./get-event-log.ts";
import { createGetMessage } from "./get-message.ts";
import type { HistoryOptions } from "./history-reads.ts";
import { createListEvents } from "./list-events.ts";

/** The methods of EventsService that look up what the log holds. */
export type HistoryMethods = Pick<
  ServiceImplementation<typeof EventsService>,
  "listEvents" | "getMessage" | "getEventLog"
>;

/** Makes the history methods of one log, by their local names. */
export function createHistoryMethods(options: HistoryOptions): HistoryMethods {
  return {
    listEvents: createListEvents(options),
    getMessage: createGetMessage(options),
    getEventLog: createGetEventLog(options.log),
  };
}
