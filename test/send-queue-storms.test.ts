import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { PROBE_WAIT_MS } from "../src/infobip/sending/circuit-breaker.ts";
import { RetryBudget } from "../src/infobip/sending/retry-budget.ts";
import type { SendAnswer } from "../src/infobip/sending/send-queue.ts";
import { LATE_ANSWER_MS } from "../src/infobip/sending/send-queue-options.ts";
import { errorOf, type FakeRequest, jobOf, type QueueRig, settle, startQueue } from "./send-queue-rig.ts";

const CALLERS = 200;
const NO_RETRIES = { ratio: 0, reserve: 0, perSecond: 0, maxSaved: 0 };

/** Lets time pass in steps; each request ends at the time that it is made. Returns how many were under way at most in each step. */
async function play(rig: QueueRig, forMs: number, end: (request: FakeRequest) => void): Promise<number> {
  const until = rig.timer.now() + forMs;
  let seen = rig.requests.filter(({ isSettled }) => isSettled).length;
  let most = 0;
  while (rig.timer.now() < until) {
    most = Math.max(most, rig.queue.state().requests);
    for (const last = rig.requests.length; seen < last; seen++) {
      const request = rig.requests[seen];
      if (request) end(request);
    }
    await settle();
    rig.timer.advance(10);
  }
  return most;
}

function sendAll(rig: QueueRig, count: number, timeoutMs: number | undefined): Promise<SendAnswer | Error>[] {
  return Array.from({ length: count }, (_, index) =>
    rig.queue
      .send(jobOf(`m-${index}`, { flow: `caller-${index}`, timeoutMs }))
      .catch((error: unknown) => error as Error),
  );
}

test("ten seconds of 429: all calls with time succeed, and Infobip hears little of them", async () => {
  const rig = startQueue({ budget: new RetryBudget(() => 0, NO_RETRIES) });
  const ends = sendAll(rig, CALLERS, 30_000);
  await play(rig, 10_000, (request) => request.write().status(429, { retryAfter: 1 }));
  // The eager ones before the first answer, then one a pause.
  expect(rig.requests.length).toBeLessThanOrEqual(8 + 11);
  await play(rig, 5_000, (request) => request.write().accept());
  for (const end of await Promise.all(ends)) expect(end).toMatchObject({ bulkId: "bulk" });
  expect(rig.requests.length).toBeLessThanOrEqual(8 + 11 + 15);
});

test("a call with a deadline outlasts more 429s than it has attempts", async () => {
  const rig = startQueue();
  const call = rig.queue.send(jobOf("a", { timeoutMs: 30_000 }));
  await play(rig, 10_000, (request) => request.write().status(429, { retryAfter: 1 }));
  expect(rig.requests.length).toBeGreaterThan(8);
  await play(rig, 2_000, (request) => request.write().accept());
  expect(await call).toMatchObject({ answers: [{ messageId: "a" }] });
});

test("a call without a deadline gives up after its attempts", async () => {
  const rig = startQueue();
  const call = errorOf(rig.queue.send(jobOf("a")));
  await play(rig, 6_000, (request) => request.write().status(429, { retryAfter: 1 }));
  expect(await call).toMatchObject({
    code: Code.ResourceExhausted,
    reason: "UPSTREAM_RATE_LIMITED",
    metadata: { outcome: "NOT_SENT", attempts: "4" },
  });
  expect(rig.requests).toHaveLength(4);
});

test("with one attempt at most a 429 is not repeated, whatever the deadline", async () => {
  const rig = startQueue({ limits: { maxAttempts: 1 } });
  const call = errorOf(rig.queue.send(jobOf("a", { timeoutMs: 60_000 })));
  rig.requests[0]?.write().status(429, { retryAfter: 1 });
  expect(await call).toMatchObject({ reason: "UPSTREAM_RATE_LIMITED", metadata: { attempts: "1" } });
});

test("after a pause one request goes, then more with each answer", async () => {
  const rig = startQueue({ limits: { maxBatch: 1 } });
  const first = rig.queue.send(jobOf("first", { timeoutMs: 60_000 }));
  rig.requests[0]?.write().status(429, { retryAfter: 1 });
  await settle();
  const ends = sendAll(rig, 40, undefined);
  rig.timer.advance(1_000);
  const rounds: number[] = [];
  for (let seen = 1; rounds.length < 5; ) {
    const made = rig.requests.slice(seen);
    rounds.push(made.length);
    seen += made.length;
    for (const request of made) request.write().accept();
    await settle();
  }
  expect(rounds).toEqual([1, 2, 4, 8, 16]);
  await play(rig, 2_000, (request) => request.write().accept());
  await Promise.all([first, ...ends]);
});

test("one that hangs after a pause holds up the others for a second only", async () => {
  const rig = startQueue({ limits: { maxBatch: 1 } });
  void rig.queue.send(jobOf("first", { timeoutMs: 60_000 }));
  rig.requests[0]?.write().status(429, { retryAfter: 1 });
  await settle();
  const [, ...others] = sendAll(rig, 4, undefined);
  rig.timer.advance(1_000);
  expect(rig.requests).toHaveLength(2);
  rig.timer.advance(999);
  expect(rig.requests).toHaveLength(2);
  rig.timer.advance(1);
  expect(rig.requests).toHaveLength(3);
  await play(rig, 3_000, (request) => {
    if (request !== rig.requests[1]) request.write().accept();
  });
  for (const end of await Promise.all(others)) expect(end).toMatchObject({ bulkId: "bulk" });
});

test("when the circuit closes, those who waited come one after the other", async () => {
  const rig = startQueue({ failures: 1, random: () => 0, limits: { maxBatch: 1 } });
  const failed = errorOf(rig.queue.send(jobOf("failed")));
  rig.requests[0]?.write().status(500);
  await failed;
  rig.timer.advance(500);
  const ends = sendAll(rig, 40, 60_000);
  expect(rig.requests).toHaveLength(2);
  rig.requests[1]?.write().accept();
  await settle();
  expect(rig.queue.state()).toMatchObject({ circuit: "closed", requests: 1 });
  await play(rig, 2_000, (request) => request.write().accept());
  for (const end of await Promise.all(ends)) expect(end).toMatchObject({ bulkId: "bulk" });
});

test("a probe that hangs keeps nobody waiting for long, and closes the circuit if it comes back after all", async () => {
  const rig = startQueue({ failures: 1, random: () => 0 });
  const failed = errorOf(rig.queue.send(jobOf("failed")));
  rig.requests[0]?.write().status(500);
  await failed;
  rig.timer.advance(500);
  const probe = rig.queue.send(jobOf("probe"));
  rig.requests[1]?.write();
  const behind = errorOf(rig.queue.send(jobOf("behind", { timeoutMs: 60_000 })));
  rig.timer.advance(PROBE_WAIT_MS - 1);
  expect(rig.queue.state()).toMatchObject({ circuit: "half-open", queuedJobs: 1 });
  rig.timer.advance(1);
  expect(await behind).toMatchObject({
    reason: "UPSTREAM_UNREACHABLE",
    metadata: { circuit: "open", outcome: "NOT_SENT" },
    retryDelayMs: 1_000,
  });
  rig.requests[1]?.accept();
  expect(await probe).toMatchObject({ bulkId: "bulk" });
  expect(rig.queue.state().circuit).toBe("closed");
});

test("32 requests that hang for callers with deadlines are given up, and the circuit opens", async () => {
  const rig = startQueue({ failures: 5, limits: { maxBatch: 1 } });
  const controller = new AbortController();
  const hung = Array.from({ length: 40 }, (_, index) =>
    errorOf(rig.queue.send(jobOf(`m-${index}`, { signal: controller.signal, timeoutMs: 200 }))),
  );
  rig.timer.advance(60);
  for (let passed = 0; passed < 32; passed++) rig.timer.advance(4);
  expect(rig.queue.state().requests).toBe(32);
  for (const request of rig.requests) request.write();
  rig.timer.advance(100);
  controller.abort(new DOMException("late", "TimeoutError"));
  const outcomes = (await Promise.all(hung)).map(({ code, metadata }) => [code, metadata.outcome]);
  expect(outcomes.slice(0, 32)).toEqual(Array.from({ length: 32 }, () => [Code.DeadlineExceeded, "UNKNOWN"]));
  expect(outcomes.slice(32)).toEqual(Array.from({ length: 8 }, () => [Code.DeadlineExceeded, "NOT_SENT"]));
  expect(rig.queue.state().requests).toBe(32);
  rig.timer.advance(LATE_ANSWER_MS);
  await settle();
  expect(rig.queue.state()).toMatchObject({ requests: 0, circuit: "open" });
});
