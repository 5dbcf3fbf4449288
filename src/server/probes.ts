import { ROLES, type Role } from "../roles.ts";
import { allHold, type Checks, type RoleChecks } from "./role-check.ts";

/** What probes look at. */
export interface ProbeSources {
  /** Whether the service should get traffic now, by what it depends on. */
  readonly checks: () => Checks;
  /** The same by what the process does; it then decides, and the checks only explain. */
  readonly roles?: () => RoleChecks;
}

/** Answer of a probe: 200 when it holds, 503 when it does not, 400 when it was asked wrongly. */
export interface ProbeAnswer {
  readonly status: 200 | 400 | 503;
  readonly body: object;
}

interface Reading {
  readonly checks: Checks;
  readonly roles: RoleChecks | undefined;
}

const NOTHING: Reading = { checks: {}, roles: undefined };
const BROKEN: Checks = { checks: { ok: false, reason: "the checks themselves failed" } };

/** Decides what each probe answers, for the process as a whole or for one of its roles. */
export class Probes {
  readonly #sources: ProbeSources;
  /** The roles that have held once, and "" once all have held at the same time. */
  readonly #started = new Set<Role | "">();

  constructor(sources: ProbeSources) {
    this.#sources = sources;
  }

  live(): ProbeAnswer {
    return answer(NOTHING, "", true);
  }

  /** As the checks are now. */
  ready(query: string): ProbeAnswer {
    const role = askedRole(query);
    if (role === undefined) return roleUnknown();
    const reading = this.#read();
    return answer(reading, role, holds(reading, role));
  }

  /** The same until it has held once; from then on it does. */
  started(query: string): ProbeAnswer {
    const role = askedRole(query);
    if (role === undefined) return roleUnknown();
    return this.#started.has(role) ? answer(NOTHING, "", true) : this.ready(query);
  }

  #read(): Reading {
    const reading = read(this.#sources);
    for (const role of ["", ...ROLES] as const) {
      if (holds(reading, role)) this.#started.add(role);
    }
    return reading;
  }
}

/** The one role that a query asks about, empty for all; undefined when it is none. */
function askedRole(query: string): Role | "" | undefined {
  const [asked, ...others] = new URLSearchParams(query).getAll("role");
  if (asked === undefined) return "";
  return others.length > 0 ? undefined : ROLES.find((role) => role === asked);
}

/** Checks that throw do not hold. */
function read({ checks, roles }: ProbeSources): Reading {
  try {
    return { checks: checks(), roles: roles?.() };
  } catch {
    return { checks: BROKEN, roles: roles && {} };
  }
}

function holds({ checks, roles }: Reading, role: Role | ""): boolean {
  if (role !== "") return roles?.[role]?.ok === true;
  if (roles === undefined) return allHold(checks);
  return Object.keys(roles).length > 0 && allHold(roles);
}

function answer({ checks, roles }: Reading, role: Role | "", ok: boolean): ProbeAnswer {
  return { status: ok ? 200 : 503, body: { ok, checks, ...shownRoles(roles, role) } };
}

function shownRoles(roles: RoleChecks | undefined, role: Role | ""): object {
  if (role === "") return roles === undefined ? {} : { roles };
  return {
    roles: { [role]: roles?.[role] ?? { ok: false, reason: "this instance does not have the role" } },
  };
}

function roleUnknown(): ProbeAnswer {
  return { status: 400, body: { error: "ROLE_UNKNOWN", roles: ROLES } };
}
