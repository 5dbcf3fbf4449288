import type { Role } from "../roles.ts";
import type { ReadableValues } from "./rules.ts";

/** Whether the process has a role; also when its roles could not be read. */
export function hasRole(values: ReadableValues, role: Role): boolean {
  return values.roles?.includes(role) ?? true;
}
