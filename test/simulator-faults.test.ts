import { expect, test } from "vitest";
import type { FaultRule } from "../src/simulator/fault.ts";
import { ManualClock } from "../src/simulator/manual-clock.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import { AUTHORIZED, call, REPORTS, SEND, smsTo, VALIDATE } from "./simulator-requests.ts";

const withId = (messageId: string) => ({
  messages: [{ ...smsTo("1").messages[0], destinations: [{ to: "1", messageId }] }],
});

test.each<[FaultRule, number, string | undefined, string | null]>([
  [{ kind: "bad-request" }, 400, "E400", null],
  [{ kind: "unauthorized" }, 401, "E401", null],
  [{ kind: "forbidden" }, 403, "E403", null],
  [{ kind: "rate-limited" }, 429, "E429", null],
  [{ kind: "rate-limited", retryAfterSeconds: 7 }, 429, "E429", "7"],
  [{ kind: "server-error" }, 500, "E500", null],
  [{ kind: "bad-gateway" }, 502, undefined, null],
  [{ kind: "unavailable", retryAfterSeconds: 3 }, 503, undefined, "3"],
  [{ kind: "gateway-timeout" }, 504, undefined, null],
])("%j refuses one request, and the next goes through", async (fault, status, errorCode, retryAfter) => {
  await using simulator = createSimulator();
  const base = await simulator.start();
  simulator.injectFaults(fault);

  const refused = await call(base, "POST", SEND, withId("a"));
  const next = await call(base, "POST", SEND, withId("a"));

  expect([refused.status, refused.json?.errorCode, refused.headers.get("retry-after")]).toEqual([
    status,
    errorCode,
    retryAfter,
  ]);
  if (errorCode === undefined) expect(refused.headers.get("content-type")).toBe("text/html");
  expect(next.status).toBe(200);
  expect(simulator.counts("a")).toEqual({ accepted: 1, duplicates: 0, rejected: 0 });
  expect(simulator.stats().responses).toEqual({ [status]: 1, "200": 1 });
});

test("a bad request has the violations and the style wanted", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();
  const violations = [{ property: "messages[0].sender", violation: "unknown sender" }];
  simulator.injectFaults(
    { kind: "bad-request", violations },
    { kind: "bad-request", violations, style: "legacy" },
    { kind: "bad-request", violations, endpoints: ["validate"] },
  );

  expect((await call(base, "POST", SEND, smsTo("1"))).json.violations).toEqual(violations);
  expect((await call(base, "POST", SEND, smsTo("1"))).json.requestError.serviceException).toMatchObject({
    messageId: "BAD_REQUEST",
    validationErrors: { "messages[0].sender": ["unknown sender"] },
  });
  const validated = await call(base, "POST", VALIDATE, smsTo("1"));
  expect(validated.json).toMatchObject({ violations });
  expect(validated.json).not.toHaveProperty("errorCode");
});

test.each<[FaultRule, number]>([
  [{ kind: "reset-before-body" }, 0],
  [{ kind: "reset-after-body" }, 0],
  [{ kind: "reset-after-body", accept: true }, 1],
  [{ kind: "truncated-body" }, 1],
  [{ kind: "truncated-body", accept: false }, 0],
])("%j breaks the exchange", async (fault, accepted) => {
  await using simulator = createSimulator();
  const base = await simulator.start();
  simulator.injectFaults(fault);

  await expect(call(base, "POST", SEND, withId("a"))).rejects.toThrow();

  expect(simulator.counts("a").accepted).toBe(accepted);
  expect(simulator.stats().requests.messages).toBe(1);
  expect(simulator.requests()[0]?.body === undefined).toBe(fault.kind === "reset-before-body");
});

test.each([
  [true, 1],
  [false, 0],
])("a 502 with accept %s lets %i messages through", async (accept, accepted) => {
  await using simulator = createSimulator();
  const base = await simulator.start();
  simulator.injectFaults({ kind: "bad-gateway", accept });

  expect((await call(base, "POST", SEND, withId("a"))).status).toBe(502);

  expect(simulator.counts("a").accepted).toBe(accepted);
});

test.each([
  [true, 1],
  [false, 0],
])("a hang with accept %s never answers", async (accept, accepted) => {
  await using simulator = createSimulator({ reportDelayMs: 0 });
  const base = await simulator.start();
  simulator.injectFaults({ kind: "hang", accept });
  const abort = new AbortController();
  let answered = false;
  const hanging = fetch(base + SEND, {
    method: "POST",
    headers: { ...AUTHORIZED, "content-type": "application/json" },
    body: JSON.stringify(withId("a")),
    signal: abort.signal,
  }).then(() => {
    answered = true;
  });
  await simulator.whenReceived("messages", 1);

  expect((await call(base, "POST", SEND, withId("b"))).status).toBe(200);
  expect(answered).toBe(false);
  abort.abort();
  await expect(hanging).rejects.toThrow();
  expect(simulator.counts("a").accepted).toBe(accepted);
});

test("a slow body trickles out over its duration", async () => {
  const clock = new ManualClock();
  await using simulator = createSimulator({ clock, reportDelayMs: 3_600_000 });
  const base = await simulator.start();
  simulator.injectFaults({ kind: "slow-body", durationMs: 10_000 });

  const response = await fetch(base + SEND, {
    method: "POST",
    headers: { ...AUTHORIZED, "content-type": "application/json" },
    body: JSON.stringify(withId("a")),
  });
  expect(response.status).toBe(200);
  expect(Math.min(...clock.pendingDelays())).toBe(1_000);
  let complete = false;
  const text = response.text().then((body) => {
    complete = true;
    return body;
  });
  clock.advance(9_999);
  expect(complete).toBe(false);
  clock.advance(1);

  expect(JSON.parse(await text).messages[0].messageId).toBe("a");
});

test("a garbage body comes with a 200, and the messages were accepted", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();
  simulator.injectFaults({ kind: "garbage-body" });

  const reply = await call(base, "POST", SEND, withId("a"));

  expect(reply.status).toBe(200);
  expect(reply.text.length).toBeGreaterThan(0);
  expect(reply.json).toBeUndefined();
  expect(simulator.counts("a").accepted).toBe(1);
});

test("a partial rejection refuses every second message of the request", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();
  simulator.injectFaults({ kind: "partial-rejection" });

  const reply = await call(base, "POST", SEND, smsTo("1", "2", "3", "4"));

  const groups = reply.json.messages.map((one: { status: { groupName: string } }) => one.status.groupName);
  expect(groups).toEqual(["PENDING", "REJECTED", "PENDING", "REJECTED"]);
  expect(simulator.stats().messages).toEqual({ accepted: 2, duplicates: 0, rejected: 2 });
});

test("faults befall the endpoints named, as often as told, in the order given", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();
  simulator.injectFaults(
    { kind: "server-error", endpoints: ["reports"] },
    { kind: "rate-limited", count: 2 },
    { kind: "forbidden" },
  );
  const send = async () => (await call(base, "POST", SEND, smsTo("1"))).status;

  expect([await send(), await send(), await send(), await send()]).toEqual([429, 429, 403, 200]);
  expect((await call(base, "GET", REPORTS)).status).toBe(500);
  expect(simulator.stats().faults).toBe(0);
});

test("faults by chance repeat for the same seed and differ for another", async () => {
  const pattern = async (seed: number) => {
    await using simulator = createSimulator({ seed });
    const base = await simulator.start();
    simulator.injectFaults({ kind: "server-error", probability: 0.5 });
    let text = "";
    for (let index = 0; index < 40; index++) {
      text += (await call(base, "GET", REPORTS)).status === 500 ? "x" : ".";
    }
    return text;
  };

  const first = await pattern(7);

  expect(first).toMatch(/x/);
  expect(first).toMatch(/\./);
  expect(await pattern(7)).toBe(first);
  expect(await pattern(8)).not.toBe(first);
});

test("clearing takes every fault out of force", async () => {
  await using simulator = createSimulator();
  const base = await simulator.start();
  simulator.injectFaults({ kind: "server-error", count: 100 });
  simulator.clearFaults();

  expect((await call(base, "POST", SEND, smsTo("1"))).status).toBe(200);
});
