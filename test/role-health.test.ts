import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { RoleHealth, servicesOf } from "../src/role-health.ts";
import { createHealth, type Health } from "../src/server/health.ts";
import type { RoleChecks } from "../src/server/role-check.ts";
import { ManualTimer } from "./fixtures/manual-timer.ts";

const MESSAGES = "infobip.messages.v1.MessagesService";
const EVENTS = "infobip.events.v1.EventsService";
const OK = { ok: true };
const DOWN = { ok: false, reason: "down" };

/** Statuses by service, as Health.List tells them. */
async function statuses({ binding }: Health): Promise<Record<string, string>> {
  const response = (await binding.implementation.list?.({} as never, {} as never)) as {
    statuses?: Record<string, { status: number }>;
  };
  const names = ["UNKNOWN", "SERVING", "NOT_SERVING"];
  return Object.fromEntries(
    Object.entries(response.statuses ?? {}).map(([name, { status }]) => [name, names[status] ?? "?"]),
  );
}

function setUp(roles: RoleChecks) {
  const timer = new ManualTimer();
  const health = createHealth([MESSAGES, EVENTS]);
  const state = { roles };
  const roleHealth = new RoleHealth({ health, checks: () => state.roles, timer });
  return { timer, health, state, roleHealth };
}

test("each service serves with its role, the process while one role does", async () => {
  const { timer, health, state } = setUp({ send: OK, events: OK, intake: OK });
  expect(await statuses(health)).toEqual({ "": "SERVING", [MESSAGES]: "SERVING", [EVENTS]: "SERVING" });
  state.roles = { send: { ok: true, degraded: "x" }, events: DOWN, intake: OK };
  timer.advance(1000);
  expect(await statuses(health)).toEqual({
    "": "SERVING",
    [MESSAGES]: "SERVING",
    [EVENTS]: "NOT_SERVING",
  });
  state.roles = { send: OK, events: OK, intake: DOWN };
  timer.advance(1000);
  expect(await statuses(health)).toEqual({ "": "SERVING", [MESSAGES]: "SERVING", [EVENTS]: "SERVING" });
  state.roles = { send: DOWN, events: DOWN, intake: DOWN };
  timer.advance(1000);
  expect(Object.values(await statuses(health))).toEqual(["NOT_SERVING", "NOT_SERVING", "NOT_SERVING"]);
});

test("a change of state is told at once, and the next look comes a second later", async () => {
  const { timer, health, state, roleHealth } = setUp({ send: DOWN, events: DOWN });
  timer.advance(900);
  state.roles = { send: OK, events: OK };
  roleHealth.refresh();
  expect(await statuses(health)).toMatchObject({ "": "SERVING" });
  expect(timer.size).toBe(1);
  state.roles = { send: DOWN, events: DOWN };
  timer.advance(999);
  expect(await statuses(health)).toMatchObject({ "": "SERVING" });
  timer.advance(1);
  expect(await statuses(health)).toMatchObject({ "": "NOT_SERVING" });
});

test("checks that throw serve nothing, until they work again", async () => {
  const timer = new ManualTimer();
  const health = createHealth([MESSAGES]);
  let isBroken = true;
  const checks = (): RoleChecks => {
    if (isBroken) throw new Error("broken");
    return { send: OK };
  };
  using _ = new RoleHealth({ health, checks, timer });
  expect(await statuses(health)).toEqual({ "": "NOT_SERVING", [MESSAGES]: "NOT_SERVING" });
  isBroken = false;
  timer.advance(1000);
  expect(await statuses(health)).toEqual({ "": "SERVING", [MESSAGES]: "SERVING" });
});

test("once disposed of it looks no more", async () => {
  const { timer, health, state, roleHealth } = setUp({ send: OK });
  roleHealth[Symbol.dispose]();
  state.roles = { send: DOWN };
  roleHealth.refresh();
  timer.advance(10_000);
  expect(timer.size).toBe(0);
  expect(await statuses(health)).toMatchObject({ "": "SERVING" });
});

test("a service of a role that the process lacks is unknown", async () => {
  expect(servicesOf(["send", "events", "intake"])).toEqual([MESSAGES, EVENTS]);
  expect(servicesOf(["intake"])).toEqual([]);
  const health = createHealth(servicesOf(["send"]));
  using _ = new RoleHealth({ health, checks: () => ({ send: OK }), timer: new ManualTimer() });
  expect(await statuses(health)).toEqual({ "": "SERVING", [MESSAGES]: "SERVING" });
  const check = health.binding.implementation.check?.({ service: EVENTS } as never, {} as never);
  await expect(check).rejects.toMatchObject({ code: Code.NotFound, reason: "SERVICE_UNKNOWN" });
});
