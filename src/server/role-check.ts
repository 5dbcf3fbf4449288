import type { Role } from "../roles.ts";

/** State of one thing that the service depends on. */
export interface Check {
  readonly ok: boolean;
  /** Why not, for operators. Never a secret. */
  readonly reason?: string;
}

/** States by the name of the dependency. */
export type Checks = Readonly<Record<string, Check>>;

/** Whether a role can be relied on. */
export interface RoleCheck extends Check {
  /** What does not work while the role as a whole does, for operators. Never a secret. */
  readonly degraded?: string;
}

/** States of the roles that the process has. */
export type RoleChecks = Readonly<Partial<Record<Role, RoleCheck>>>;

/** Whether all that is checked holds. */
export function allHold(checks: Checks | RoleChecks): boolean {
  return Object.values(checks).every((check) => check.ok);
}
