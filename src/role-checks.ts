import type { ServiceState } from "./lifecycle.ts";
import type { Role } from "./roles.ts";
import type { Check, RoleCheck, RoleChecks } from "./server/role-check.ts";

/** How far this process's copy of the event log has come. */
export interface FollowerState {
  /** The copy has all that the log had when the process started. */
  readonly isCaughtUp: boolean;
  /** Events that the log has and the copy has not. */
  readonly lag: number;
}

/** What the roles depend on. */
export interface RoleDependencies {
  readonly state: ServiceState;
  /** What the process does. */
  readonly roles: readonly Role[];
  /** Whether events, and what is kept beside them, can be stored. */
  readonly eventlog: Check;
  /** Undefined: there is no copy, the log itself is read. */
  readonly follower?: FollowerState | undefined;
  /** Whether submissions are taken and sent. Undefined: nothing is known against it. */
  readonly outbox?: Check | undefined;
  /** Whether fetching from Infobip works. Undefined: nothing is fetched. */
  readonly pull?: Check | undefined;
}

/**
 * Whether each role of the process can be relied on. None before the service
 * runs and once it drains. Beyond that:
 *
 * | Role | ok when | degraded when |
 * | --- | --- | --- |
 * | send | always: calls go to Infobip without any store | events cannot be stored, or submissions not taken |
 * | events | the copy of the log has caught up once | events cannot be stored: acknowledgements fail |
 * | intake | events can be stored, and fetching works | |
 */
export function roleChecks(dependencies: RoleDependencies): RoleChecks {
  const { state, roles } = dependencies;
  const entries = roles.map((role) => [
    role,
    state === "RUNNING" ? CHECK_OF_ROLE[role](dependencies) : { ok: false, reason: state },
  ]);
  return Object.fromEntries(entries);
}

const CHECK_OF_ROLE: Readonly<Record<Role, (dependencies: RoleDependencies) => RoleCheck>> = {
  send: ({ eventlog, outbox }) => ({ ok: true, ...degradedBy({ eventlog, outbox }) }),
  events: ({ eventlog, follower }) => {
    if (follower?.isCaughtUp === false)
      return { ok: false, reason: `the copy of the event log is ${follower.lag} events behind` };
    return { ok: true, ...degradedBy({ eventlog }) };
  },
  intake: ({ eventlog, pull }) => {
    const reasons = failures({ eventlog, pull });
    return reasons === "" ? { ok: true } : { ok: false, reason: reasons };
  },
};

function degradedBy(checks: Readonly<Record<string, Check | undefined>>): Pick<RoleCheck, "degraded"> {
  const degraded = failures(checks);
  return degraded === "" ? {} : { degraded };
}

/** What does not hold, with its reason; empty when all does. */
function failures(checks: Readonly<Record<string, Check | undefined>>): string {
  return Object.entries(checks)
    .filter(([, check]) => check?.ok === false)
    .map(([name, check]) => `${name}: ${check?.reason ?? "not ready"}`)
    .join("; ");
}
