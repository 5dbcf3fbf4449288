import { expect, test, vi } from "vitest";
import { ManualClock } from "../src/simulator/manual-clock.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import { retryDelayMs } from "../src/simulator/webhook-sender.ts";
import { call, SEND, smsTo } from "./simulator-requests.ts";
import { type SinkAnswer, WebhookSink } from "./simulator-sink.ts";

const MINUTE = 60_000;

/** Waits until the only timer left is due after that delay. */
async function timerDueIn(clock: ManualClock, delayMs: number): Promise<void> {
  await vi.waitFor(() => expect(clock.pendingDelays()).toEqual([delayMs]), { interval: 1, timeout: 5_000 });
}

test("the ladder is 1 minute plus 1 minute times n squared", () => {
  expect([0, 1, 2, 3, 4, 19].map((n) => retryDelayMs(n) / MINUTE)).toEqual([1, 2, 5, 10, 17, 362]);
});

test("repeats the whole request after each failure, and gives up after 20 retries", async () => {
  const clock = new ManualClock();
  await using sink = await WebhookSink.open(() => 503);
  await using simulator = createSimulator({ clock, deliveryUrl: sink.url("/delivery"), reportDelayMs: 0 });
  const base = await simulator.start();
  await call(base, "POST", SEND, smsTo("1", "2"));
  clock.advance(5);

  for (let retry = 0; retry < 20; retry++) {
    await timerDueIn(clock, retryDelayMs(retry));
    clock.advance(retryDelayMs(retry));
  }
  await simulator.idle();

  expect(sink.received).toHaveLength(21);
  expect(new Set(sink.received.map((one) => one.body)).size).toBe(1);
  expect(simulator.stats()).toMatchObject({
    outstanding: 0,
    webhooks: { posts: 21, failedPosts: 21, retries: 20, lostItems: 2, deliveredItems: 0 },
  });
});

test.each<[string, SinkAnswer]>([
  ["a redirect", 302],
  ["a client error", 404],
  ["a server error", 500],
  ["a reset connection", "reset"],
])("%s is a failure; any 2xx ends the retries", async (_, first) => {
  await using sink = await WebhookSink.open((_request, index) => (index === 0 ? first : 204));
  await using simulator = createSimulator({
    deliveryUrl: sink.url("/delivery"),
    reportDelayMs: 0,
    timeScale: 0.00001,
  });
  const base = await simulator.start();
  await call(base, "POST", SEND, smsTo("1"));
  await simulator.idle();

  expect(sink.received).toHaveLength(2);
  expect(simulator.stats().webhooks).toEqual({
    posts: 2,
    failedPosts: 1,
    retries: 1,
    deliveredItems: 1,
    lostItems: 0,
    remoteItems: 0,
  });
});

test("a webhook that does not answer in time is a failure", async () => {
  const clock = new ManualClock();
  await using sink = await WebhookSink.open((_request, index) => (index === 0 ? "hang" : 200));
  await using simulator = createSimulator({
    clock,
    deliveryUrl: sink.url("/delivery"),
    reportDelayMs: 0,
    webhookTimeoutMs: 3_000,
  });
  const base = await simulator.start();
  await call(base, "POST", SEND, smsTo("1"));
  clock.advance(5);
  await sink.until(1);
  expect(clock.pendingDelays()).toEqual([3_000]);

  clock.advance(3_000);
  await timerDueIn(clock, MINUTE);
  clock.advance(MINUTE);
  await simulator.idle();

  expect(simulator.stats().webhooks).toMatchObject({ posts: 2, failedPosts: 1, deliveredItems: 1 });
});

test("a receiver that cannot be reached is tried again", async () => {
  const gone = await WebhookSink.open();
  const url = gone.url("/delivery");
  await gone[Symbol.asyncDispose]();
  const clock = new ManualClock();
  await using simulator = createSimulator({ clock, deliveryUrl: url, reportDelayMs: 0 });
  const base = await simulator.start();
  await call(base, "POST", SEND, smsTo("1"));
  clock.advance(5);

  await timerDueIn(clock, MINUTE);

  expect(simulator.stats()).toMatchObject({ outstanding: 1, webhooks: { failedPosts: 1 } });
});

test("a URL that is none loses the report at once", async () => {
  await using simulator = createSimulator({ deliveryUrl: "not a url", reportDelayMs: 0 });
  const base = await simulator.start();
  await call(base, "POST", SEND, smsTo("1"));
  await simulator.idle();

  expect(simulator.stats().webhooks).toMatchObject({ posts: 0, lostItems: 1 });
});

test("a slow receiver gets a bounded number of requests at a time", async () => {
  let underWay = 0;
  let most = 0;
  await using sink = await WebhookSink.open(() => {
    underWay++;
    most = Math.max(most, underWay);
    return "hang";
  });
  await using simulator = createSimulator({ clickUrl: sink.url("/click"), reportDelayMs: 0, stepDelayMs: 0 });
  const base = await simulator.start();
  await call(base, "POST", SEND, smsTo(...Array.from({ length: 40 }, () => "99015")));

  await sink.until(16);
  await call(base, "GET", "/simulator/stats");

  expect(most).toBe(16);
  expect(simulator.stats().outstanding).toBe(40);
});

test("calls no URL of another machine unless told to", async () => {
  await using simulator = createSimulator({ deliveryUrl: "http://hooks.invalid/delivery", reportDelayMs: 0 });
  const base = await simulator.start();
  await call(base, "POST", SEND, smsTo("1", "2"));
  await simulator.idle();
  expect(simulator.stats().webhooks).toMatchObject({ posts: 0, lostItems: 0, remoteItems: 2 });
});
