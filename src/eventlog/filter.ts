import { Code } from "@connectrpc/connect";
import type { EventFilter } from "../../gen/infobip/events/v1/event_filter_pb.js";
import { EventType } from "../../gen/infobip/events/v1/event_pb.js";
import { ServiceError } from "../errors.ts";
import type { EventColumns } from "./event-log.ts";

/** Kinds of event that can have `final` set. */
const FINAL_TYPES: ReadonlySet<EventType> = new Set([EventType.DELIVERY_REPORT, EventType.SEND_RESULT]);

/** Whether an event passes a filter. */
export type EventPredicate = (columns: EventColumns) => boolean;

/**
 * Compiles a filter: an event passes when it matches every axis that is
 * given, and an axis when it equals one of its values. Undefined when
 * everything passes.
 *
 * @throws ServiceError FILTER_INERT when no event could ever pass.
 */
export function compileFilter(filter: EventFilter | undefined): EventPredicate | undefined {
  if (filter === undefined) return undefined;
  requireAlive(filter);
  const axes = [
    axis(filter.types, (columns) => columns.type),
    axis(filter.channels, (columns) => columns.channel),
    axis(filter.messageIds, (columns) => columns.messageId),
    axis(filter.bulkIds, (columns) => columns.bulkId),
    axis(filter.senders, (columns) => columns.sender),
    axis(filter.destinations, (columns) => columns.destination),
    axis(filter.applicationIds, (columns) => columns.applicationId),
    axis(filter.entityIds, (columns) => columns.entityId),
    filter.finalOnly ? (columns: EventColumns) => columns.final : undefined,
  ].filter((predicate) => predicate !== undefined);
  if (axes.length === 0) return undefined;
  return (columns) => axes.every((matches) => matches(columns));
}

function axis<T>(values: readonly T[], read: (columns: EventColumns) => T): EventPredicate | undefined {
  if (values.length === 0) return undefined;
  const accepted = new Set(values);
  return (columns) => accepted.has(read(columns));
}

function requireAlive(filter: EventFilter): void {
  if (!filter.finalOnly || filter.types.length === 0) return;
  if (filter.types.some((type) => FINAL_TYPES.has(type))) return;
  const rule =
    "only delivery reports and send results are ever final: add EVENT_TYPE_DELIVERY_REPORT to types, or leave final_only out";
  throw new ServiceError(Code.InvalidArgument, "FILTER_INERT", `the filter matches no event: ${rule}`, {
    violations: [{ field: "filter.final_only", description: rule, reason: "FILTER_INERT" }],
  });
}
