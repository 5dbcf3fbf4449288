import { expect, test } from "vitest";
import type { ServiceState } from "../src/lifecycle.ts";
import { type RoleDependencies, roleChecks } from "../src/role-checks.ts";
import { ROLES } from "../src/roles.ts";
import type { RoleChecks } from "../src/server/role-check.ts";

const GOOD: RoleDependencies = { state: "RUNNING", roles: ROLES, eventlog: { ok: true } };
const BAD_LOG = { eventlog: { ok: false, reason: "disconnected" } };
const OK = { ok: true };
const ALL_OK: RoleChecks = { send: OK, events: OK, intake: OK };

test.each<[string, Partial<RoleDependencies>, RoleChecks]>([
  ["all is well", {}, ALL_OK],
  [
    "all that there can be is well",
    { follower: { isCaughtUp: true, lag: 7 }, outbox: { ok: true }, pull: { ok: true } },
    ALL_OK,
  ],
  [
    "nothing can be stored",
    BAD_LOG,
    {
      send: { ok: true, degraded: "eventlog: disconnected" },
      events: { ok: true, degraded: "eventlog: disconnected" },
      intake: { ok: false, reason: "eventlog: disconnected" },
    },
  ],
  [
    "the copy is behind",
    { follower: { isCaughtUp: false, lag: 7 } },
    { send: OK, events: { ok: false, reason: "the copy of the event log is 7 events behind" }, intake: OK },
  ],
  [
    "submissions are not taken",
    { outbox: { ok: false } },
    { send: { ok: true, degraded: "outbox: not ready" }, events: OK, intake: OK },
  ],
  [
    "nothing can be stored or fetched",
    { ...BAD_LOG, pull: { ok: false, reason: "2 pages wait" }, outbox: { ok: false, reason: "no owner" } },
    {
      send: { ok: true, degraded: "eventlog: disconnected; outbox: no owner" },
      events: { ok: true, degraded: "eventlog: disconnected" },
      intake: { ok: false, reason: "eventlog: disconnected; pull: 2 pages wait" },
    },
  ],
])("%s", (_, dependencies, expected) => {
  expect(roleChecks({ ...GOOD, ...dependencies })).toEqual(expected);
});

test.each<ServiceState>(["CREATED", "STARTING", "DRAINING", "STOPPED", "FAILED"])(
  "%s: no role is ready",
  (state) => {
    const off = { ok: false, reason: state };
    expect(roleChecks({ ...GOOD, state })).toEqual({ send: off, events: off, intake: off });
  },
);

test("only the roles of the process are told of", () => {
  expect(roleChecks({ ...GOOD, ...BAD_LOG, roles: ["send"] })).toEqual({
    send: { ok: true, degraded: "eventlog: disconnected" },
  });
});
