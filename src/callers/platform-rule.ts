import { create } from "@bufbuild/protobuf";
import { type Platform, PlatformSchema } from "../../gen/infobip/messages/v1/message_options_pb.js";
import type { Caller } from "../rpc/caller.ts";
import type { PermissionFindings } from "./permission-findings.ts";

/**
 * Checks the application and entity of a message. One that the message does
 * not name is filled in where the caller has exactly one. Gives what the
 * message is to have.
 */
export function permittedPlatform(
  caller: Caller,
  given: Platform | undefined,
  field: string,
  findings: PermissionFindings,
): Platform | undefined {
  const { applicationIds, entityIds } = caller;
  if (applicationIds === undefined && entityIds === undefined) return given;
  const platform = given ?? create(PlatformSchema);
  if (applicationIds !== undefined) {
    const id = permittedId(applicationIds, platform.applicationId, `${field}.application_id`, findings);
    if (id !== undefined) platform.applicationId = id;
  }
  if (entityIds !== undefined) {
    const id = permittedId(entityIds, platform.entityId, `${field}.entity_id`, findings);
    if (id !== undefined) platform.entityId = id;
  }
  return platform;
}

function permittedId(
  allowed: ReadonlySet<string>,
  given: string | undefined,
  field: string,
  findings: PermissionFindings,
): string | undefined {
  const named = given === "" ? undefined : given;
  if (named !== undefined && allowed.has(named)) return named;
  if (named === undefined && allowed.size === 1) return allowed.values().next().value;
  const advice = named === undefined ? "must name one of this caller's" : "must be one of this caller's";
  findings.add("PLATFORM_FORBIDDEN", field, `${advice}; it has ${allowed.size}`);
  return undefined;
}
