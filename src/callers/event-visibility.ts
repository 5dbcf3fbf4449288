import { create } from "@bufbuild/protobuf";
import { type EventFilter, EventFilterSchema } from "../../gen/infobip/events/v1/event_filter_pb.js";
import type { Event } from "../../gen/infobip/events/v1/event_pb.js";
import type { Caller } from "../rpc/caller.ts";
import { PermissionFindings } from "./permission-findings.ts";

/** A caller that sees some events only. */
export type NarrowCaller = Pick<Caller, "applicationIds" | "entityIds">;

/** Whether a caller sees some events only; undefined is a call without callers. */
export function isNarrow(caller: Caller | undefined): caller is Caller {
  return caller !== undefined && (caller.applicationIds !== undefined || caller.entityIds !== undefined);
}

/** Whether the caller sees the event: its application is one of the caller's, and its entity too, where the caller has such. */
export function isVisible({ applicationId, entityId }: Event, caller: NarrowCaller): boolean {
  return holds(caller.applicationIds, applicationId) && holds(caller.entityIds, entityId);
}

/** Whether everything that passes the filter is visible to the caller. */
export function liesWithin(filter: EventFilter | undefined, caller: NarrowCaller): boolean {
  return (
    isWithin(filter?.applicationIds ?? [], caller.applicationIds) &&
    isWithin(filter?.entityIds ?? [], caller.entityIds)
  );
}

/**
 * The filter, narrowed to what the caller sees: an axis that is empty gets all
 * of the caller's ids. Changes it in place. Throws PLATFORM_FORBIDDEN when it names others; `field` is its path.
 */
export function narrowFilter(
  filter: EventFilter | undefined,
  caller: NarrowCaller,
  field: string,
): EventFilter {
  const narrowed = filter ?? create(EventFilterSchema);
  const findings = new PermissionFindings();
  narrowAxis(narrowed.applicationIds, caller.applicationIds, `${field}.application_ids`, findings);
  narrowAxis(narrowed.entityIds, caller.entityIds, `${field}.entity_ids`, findings);
  findings.refuse();
  return narrowed;
}

function narrowAxis(
  values: string[],
  allowed: ReadonlySet<string> | undefined,
  field: string,
  findings: PermissionFindings,
): void {
  if (allowed === undefined) return;
  if (values.length === 0) values.push(...allowed);
  for (const [index, value] of values.entries()) {
    if (!allowed.has(value))
      findings.add("PLATFORM_FORBIDDEN", `${field}[${index}]`, "must be one of this caller's");
  }
}

function holds(allowed: ReadonlySet<string> | undefined, value: string | undefined): boolean {
  return allowed === undefined || (value !== undefined && allowed.has(value));
}

function isWithin(values: readonly string[], allowed: ReadonlySet<string> | undefined): boolean {
  return allowed === undefined || (values.length > 0 && values.every((value) => allowed.has(value)));
}
