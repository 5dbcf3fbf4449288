import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { RetryBudget } from "../src/infobip/sending/retry-budget.ts";
import type { RequestReport, RetryReport } from "../src/infobip/sending/send-hooks.ts";
import {
  errorOf,
  type FakeRequest,
  fillEager,
  jobOf,
  type QueueRig,
  settle,
  startQueue,
} from "./send-queue-rig.ts";

/** Sends jobs that share one request, and returns their ends and the request. */
async function shared(rig: QueueRig, ids: readonly string[]) {
  const [first] = await fillEager(rig);
  const ends = ids.map((id) => rig.queue.send(jobOf(id, { flow: id })).catch((error: unknown) => error));
  first?.accept();
  await settle();
  const request = rig.requests.at(-1);
  expect(request?.ids).toEqual(ids);
  return { ends, request: request as FakeRequest };
}

test("a batch that is refused is split until each culprit stands alone, and only they get the error", async () => {
  const culprits = new Set(["m-2", "m-6"]);
  const violations = [{ property: "messages[0].content", violation: "must not be blank" }];
  const rig = startQueue();
  const ids = Array.from({ length: 8 }, (_, index) => `m-${index}`);
  const { ends } = await shared(rig, ids);
  for (let index = 8; index < rig.requests.length; index++) {
    const request = rig.requests[index];
    const isRefused = request?.ids.some((id) => culprits.has(id));
    if (isRefused) request?.write().status(400, { body: { errorCode: "E400", violations } });
    else request?.write().accept();
    await settle();
  }
  const results = await Promise.all(ends);
  for (const [index, result] of results.entries()) {
    if (culprits.has(`m-${index}`)) {
      expect(result).toMatchObject({
        code: Code.InvalidArgument,
        reason: "UPSTREAM_REJECTED",
        violations: [{ field: "own.messages[0].content" }],
        metadata: { outcome: "NOT_SENT", http_status: "400" },
      });
    } else expect(result).toMatchObject({ answers: [{ messageId: `m-${index}` }] });
  }
});

test("three culprits of a hundred cost few requests, and a path deep in the batch becomes their own", async () => {
  const culprits = ["m-0", "m-57", "m-98"];
  const rig = startQueue();
  const ids = Array.from({ length: 100 }, (_, index) => `m-${index}`);
  const { ends } = await shared(rig, ids);
  for (let index = 8; index < rig.requests.length; index++) {
    const request = rig.requests[index];
    const place = request?.ids.findIndex((id) => culprits.includes(id)) ?? -1;
    const violations = [{ property: `messages[${place}].sender`, violation: "unknown" }];
    if (place === -1) request?.write().accept();
    else request?.write().status(400, { body: { errorCode: "E400", violations } });
    await settle();
  }
  const results = await Promise.all(ends);
  const refused = results.filter((result) => result instanceof Error);
  expect(refused).toMatchObject(culprits.map(() => ({ violations: [{ field: "own.messages[0].sender" }] })));
  // Twice the depth of halving, for each.
  expect(rig.requests.length - 8).toBeLessThanOrEqual(1 + 3 * 2 * 7);
  expect(rig.queue.state()).toMatchObject({ circuit: "closed", queuedJobs: 0 });
});

test("halves go out ahead of what waits, and 413 is split too", async () => {
  const rig = startQueue({ limits: { connections: 8 } });
  const { ends, request } = await shared(rig, ["a", "b", "c"]);
  void rig.queue.send(jobOf("waiting"));
  request.write().status(413);
  await settle();
  rig.requests[1]?.accept();
  await settle();
  rig.requests[2]?.accept();
  await settle();
  expect(rig.requests.slice(9).map(({ ids }) => ids)).toEqual([["a", "b"], ["c"], ["waiting"]]);
  rig.requests[9]?.accept();
  rig.requests[10]?.status(413);
  expect(await Promise.all(ends)).toMatchObject([
    { bulkId: "bulk" },
    { bulkId: "bulk" },
    { reason: "REQUEST_TOO_LARGE", metadata: { outcome: "NOT_SENT" } },
  ]);
});

test("an error of a shared request names each caller's own messages only", async () => {
  const rig = startQueue();
  const { ends, request } = await shared(rig, ["a", "b"]);
  request.write().fault("ECONNRESET");
  expect(await Promise.all(ends)).toMatchObject([
    { reason: "SEND_OUTCOME_UNKNOWN", metadata: { outcome: "UNKNOWN", message_ids: "a" } },
    { reason: "SEND_OUTCOME_UNKNOWN", metadata: { outcome: "UNKNOWN", message_ids: "b" } },
  ]);
  expect(rig.requests).toHaveLength(9);
});

test.each([500, 502, 504, 401, 403, 408])("a %i is never repeated", async (status) => {
  const rig = startQueue();
  const call = errorOf(rig.queue.send(jobOf("a")));
  rig.requests[0]?.write().status(status);
  expect((await call).metadata).toMatchObject({ http_status: String(status) });
  rig.timer.advance(60_000);
  await settle();
  expect(rig.requests).toHaveLength(1);
});

test("what is proved unsent is repeated with growing, random delays, until the attempts are used up", async () => {
  const retries: RetryReport[] = [];
  const reports: RequestReport[] = [];
  const hooks = {
    onRetry: (retry: RetryReport) => void retries.push(retry),
    onRequest: (report: RequestReport) => void reports.push(report),
  };
  const rig = startQueue({ hooks });
  const call = errorOf(rig.queue.send(jobOf("a")));
  for (const [index, delayMs] of [50, 100, 200].entries()) {
    rig.requests[index]?.fault("ECONNREFUSED");
    await settle();
    expect(rig.queue.state().queuedJobs).toBe(1);
    rig.timer.advance(delayMs - 1);
    expect(rig.requests).toHaveLength(index + 1);
    rig.timer.advance(1);
    expect(rig.requests).toHaveLength(index + 2);
  }
  rig.requests[3]?.fault("ECONNREFUSED");
  expect(await call).toMatchObject({
    code: Code.Unavailable,
    reason: "UPSTREAM_UNREACHABLE",
    metadata: { outcome: "NOT_SENT", attempts: "4", fault: "ECONNREFUSED" },
  });
  expect(retries.map(({ attempts, delayMs }) => [attempts, delayMs])).toEqual([
    [1, 50],
    [2, 100],
    [3, 200],
  ]);
  expect(reports).toHaveLength(4);
  expect(reports[0]).toMatchObject({
    jobs: 1,
    messages: 1,
    destinations: 1,
    outcome: "NOT_SENT",
    reason: "UPSTREAM_UNREACHABLE",
  });
});

test("a retry that would come after the deadline is not made", async () => {
  const rig = startQueue();
  const call = errorOf(rig.queue.send(jobOf("a", { timeoutMs: 2_000 })));
  rig.requests[0]?.write().status(503, { retryAfter: 2 });
  expect(await call).toMatchObject({
    reason: "UPSTREAM_FAILED",
    retryDelayMs: 2_000,
    metadata: { outcome: "NOT_SENT", attempts: "1" },
  });
});

test("without budget there is no retry", async () => {
  const budget = new RetryBudget(() => 0, { ratio: 0.5, reserve: 1, perSecond: 1, maxSaved: 10 });
  const rig = startQueue({ budget });
  const calls = ["a", "b", "c"].map((id) => errorOf(rig.queue.send(jobOf(id))));
  for (const request of rig.requests.slice(0, 3)) request.fault("ECONNREFUSED");
  expect(await calls[2]).toMatchObject({ metadata: { attempts: "1" } });
  await settle();
  expect(rig.queue.state().queuedJobs).toBe(2);
});

test("a 429 holds everything back until its time is over, and is repeated after it with jitter", async () => {
  const paused: number[] = [];
  const rig = startQueue({ hooks: { onPaused: (ms) => void paused.push(ms) } });
  const limited = rig.queue.send(jobOf("limited"));
  rig.requests[0]?.write().status(429, { retryAfter: 3 });
  await settle();
  const other = rig.queue.send(jobOf("other"));
  expect([paused, rig.queue.state().pausedMs]).toEqual([[3_000], 3_000]);
  expect(await errorOf(rig.queue.send(jobOf("hurried", { timeoutMs: 2_999 })))).toMatchObject({
    code: Code.DeadlineExceeded,
    reason: "OVERLOADED",
    metadata: { outcome: "NOT_SENT" },
  });
  rig.timer.advance(2_999);
  expect(rig.requests).toHaveLength(1);
  rig.timer.advance(1);
  expect(rig.requests[1]?.ids).toEqual(["other"]);
  rig.timer.advance(50);
  expect(rig.requests).toHaveLength(2);
  rig.requests[1]?.accept();
  await settle();
  expect(rig.requests[2]?.ids).toEqual(["limited"]);
  rig.requests[2]?.accept();
  expect(await Promise.all([limited, other])).toMatchObject([{ bulkId: "bulk" }, { bulkId: "bulk" }]);
});

test("the circuit opens after failures in a row: what waits and what comes is refused, then one probe decides", async () => {
  const states: string[] = [];
  const hooks = { onCircuit: (state: string) => void states.push(state) };
  const rig = startQueue({ failures: 3, random: () => 0, limits: { connections: 8 }, hooks });
  const eager = await fillEager(rig);
  const queued = ["q-1", "q-2", "q-3"].map((id) => errorOf(rig.queue.send(jobOf(id, { coalesce: false }))));
  for (const request of eager.slice(0, 3)) request.write().status(500);
  expect(await queued[2]).toMatchObject({
    code: Code.Unavailable,
    reason: "UPSTREAM_UNREACHABLE",
    metadata: { outcome: "NOT_SENT", circuit: "open" },
    retryDelayMs: 500,
  });
  expect((await errorOf(rig.queue.send(jobOf("comes")))).metadata).toMatchObject({ circuit: "open" });
  for (const request of rig.requests) request.write().status(500);
  await settle();
  rig.timer.advance(500);
  const probe = rig.queue.send(jobOf("probe"));
  const behind = rig.queue.send(jobOf("behind"));
  expect(rig.requests.slice(10).map(({ ids }) => ids)).toEqual([["probe"]]);
  expect(rig.queue.state()).toMatchObject({ circuit: "half-open", queuedJobs: 1 });
  rig.requests[10]?.accept();
  await probe;
  rig.requests[11]?.accept();
  await behind;
  expect(states).toEqual(["open", "half-open", "closed"]);
});

test("refusals are signs of life: they open no circuit", async () => {
  const rig = startQueue({ failures: 2 });
  for (const status of [400, 401, 500, 403, 500, 413]) {
    const call = errorOf(rig.queue.send(jobOf(`s-${status}`)));
    rig.requests.at(-1)?.write().status(status);
    await call;
  }
  expect(rig.queue.state().circuit).toBe("closed");
});

test("a probe that is withdrawn leaves the next request to be the probe", async () => {
  const rig = startQueue({ failures: 1, random: () => 0 });
  const failed = errorOf(rig.queue.send(jobOf("failed")));
  rig.requests[0]?.write().status(500);
  await failed;
  rig.timer.advance(500);
  const controller = new AbortController();
  const gone = errorOf(rig.queue.send(jobOf("gone", { signal: controller.signal })));
  const next = rig.queue.send(jobOf("next"));
  controller.abort();
  await gone;
  await settle();
  expect(rig.requests[2]?.ids).toEqual(["next"]);
  rig.requests[2]?.accept();
  await next;
  expect(rig.queue.state().circuit).toBe("closed");
});
