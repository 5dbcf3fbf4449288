import { afterEach, beforeEach, expect, test } from "vitest";
import { AdminListener } from "../src/server/admin-listener.ts";
import type { Checks, RoleChecks } from "../src/server/role-check.ts";

const CHECKS: Checks = { service: { ok: true }, eventlog: { ok: false, reason: "disconnected" } };
let roles: RoleChecks;
let listener: AdminListener;
let base: string;
beforeEach(async () => {
  roles = {
    send: { ok: true, degraded: "eventlog: disconnected" },
    intake: { ok: false, reason: "disconnected" },
  };
  listener = await AdminListener.start({
    listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
    checks: () => CHECKS,
    roles: () => roles,
  });
  base = `http://127.0.0.1:${listener.address.kind === "tcp" ? listener.address.port : 0}`;
});
afterEach(() => listener[Symbol.asyncDispose]());

async function probe(page: string): Promise<[number, unknown]> {
  const response = await fetch(base + page, { headers: { connection: "close" } });
  return [response.status, await response.json()];
}

test("readyz tells of each role, and holds when all of them do", async () => {
  expect(await probe("/readyz")).toEqual([503, { ok: false, checks: CHECKS, roles }]);
  roles = { send: { ok: true, degraded: "eventlog: disconnected" }, intake: { ok: true } };
  expect(await probe("/readyz?verbose")).toEqual([200, { ok: true, checks: CHECKS, roles }]);
  roles = {};
  expect((await probe("/readyz"))[0]).toBe(503);
});

test("readyz answers for one role alone", async () => {
  const { send, intake } = roles;
  expect(await probe("/readyz?role=send")).toEqual([200, { ok: true, checks: CHECKS, roles: { send } }]);
  expect(await probe("/readyz?x=1&role=intake")).toEqual([
    503,
    { ok: false, checks: CHECKS, roles: { intake } },
  ]);
  const events = { ok: false, reason: "this instance does not have the role" };
  expect(await probe("/readyz?role=events")).toEqual([503, { ok: false, checks: CHECKS, roles: { events } }]);
});

test.each(["?role=", "?role=all", "?role=Send", "?role=send&role=intake", "?role=constructor"])(
  "%s names no role",
  async (query) => {
    const body = { error: "ROLE_UNKNOWN", roles: ["send", "events", "intake"] };
    expect(await probe(`/readyz${query}`)).toEqual([400, body]);
    expect(await probe(`/startupz${query}`)).toEqual([400, body]);
  },
);

test("startupz holds for each role from the first time that it held, and as a whole from when all did", async () => {
  expect((await probe("/startupz"))[0]).toBe(503);
  expect((await probe("/startupz?role=send"))[0]).toBe(200);
  expect((await probe("/startupz?role=intake"))[0]).toBe(503);
  roles = { send: { ok: false, reason: "DRAINING" }, intake: { ok: true } };
  expect((await probe("/startupz?role=send"))[0]).toBe(200);
  expect((await probe("/startupz?role=intake"))[0]).toBe(200);
  expect((await probe("/startupz"))[0]).toBe(503);
  roles = { send: { ok: true }, intake: { ok: true } };
  expect((await probe("/startupz"))[0]).toBe(200);
  roles = { send: { ok: false }, intake: { ok: false } };
  expect((await probe("/startupz"))[0]).toBe(200);
  expect((await probe("/readyz"))[0]).toBe(503);
});

test("livez holds whatever the roles say", async () => {
  expect(await probe("/livez?role=intake")).toEqual([200, { ok: true, checks: {} }]);
});

test("role checks that throw do not hold", async () => {
  await using broken = await AdminListener.start({
    listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
    checks: () => ({}),
    roles: () => {
      throw new Error("private");
    },
  });
  const port = broken.address.kind === "tcp" ? broken.address.port : 0;
  for (const query of ["", "?role=send"]) {
    const response = await fetch(`http://127.0.0.1:${port}/readyz${query}`, {
      headers: { connection: "close" },
    });
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain("private");
  }
});
