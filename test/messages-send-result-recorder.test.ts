import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import {
  SendMessagesRequestSchema,
  SendOutcome,
  SendResultSchema,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import { ServiceError } from "../src/errors.ts";
import type { SentCall } from "../src/messages/send-result-event.ts";
import {
  openSendResultRecorder,
  type RecordFailure,
  type SendResultRecorderOptions,
} from "../src/messages/send-result-recorder.ts";
import { ManualTimer } from "./fixtures/manual-timer.ts";
import { MemoryEventLog } from "./fixtures/memory-event-log.ts";

function rig(options: Partial<SendResultRecorderOptions> = {}) {
  const log = new MemoryEventLog();
  const failures: RecordFailure[] = [];
  const recorder = openSendResultRecorder({
    log,
    mode: "durable",
    now: () => 1000,
    onFailure: (failure) => failures.push(failure),
    ...options,
  });
  return { log, failures, recorder };
}

let calls = 0;
function sentCall(count: number, callbackData = ""): SentCall {
  const prefix = `c${++calls}`;
  const message = { kind: { case: "message" as const, value: { webhooks: { callbackData } } } };
  return {
    request: create(SendMessagesRequestSchema, { messages: [message] }),
    bulkId: "b",
    results: Array.from({ length: count }, (_, destinationIndex) =>
      create(SendResultSchema, {
        destinationIndex,
        messageId: `${prefix}-${destinationIndex}`,
        outcome: SendOutcome.SENT,
      }),
    ),
  };
}

const noSignal = () => new AbortController().signal;
const logDown = new ServiceError(Code.Unavailable, "LOG_UNAVAILABLE", "no space");

/** Whether a promise has settled after everything that could settle it has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test("durable: waits until the log has stored the events", async () => {
  const { log, recorder } = rig();
  const gate = Promise.withResolvers<void>();
  log.beforeAppend = () => gate.promise;
  const recorded = recorder.record(sentCall(1), noSignal());
  expect(await isSettled(recorded)).toBe(false);
  gate.resolve();
  await recorded;
  expect(log.stored).toHaveLength(1);
});

test("durable: a log that does not answer holds nobody longer than the named time", async () => {
  const timer = new ManualTimer();
  const { log, recorder } = rig({ timer });
  log.beforeAppend = () => new Promise(() => {});
  const first = recorder.record(sentCall(1), noSignal());
  timer.advance(500);
  const second = recorder.record(sentCall(1), noSignal());
  timer.advance(1499);
  expect(await isSettled(first)).toBe(false);
  timer.advance(1);
  await first;
  timer.advance(499);
  expect(await isSettled(second)).toBe(false);
  timer.advance(1);
  await second;
});

test("durable: those who wait share one timer, which disposal calls off", async () => {
  const timer = new ManualTimer();
  const { recorder } = rig({ timer });
  await Promise.all([recorder.record(sentCall(1), noSignal()), recorder.record(sentCall(1), noSignal())]);
  expect(timer.size).toBe(1);
  await recorder[Symbol.asyncDispose]();
  expect(timer.size).toBe(0);
});

test("durable: a call that ends waits no longer, and its results are stored all the same", async () => {
  const { log, recorder } = rig({ maxWaitMs: 3_600_000 });
  const gate = Promise.withResolvers<void>();
  log.beforeAppend = () => gate.promise;
  const call = new AbortController();
  const recorded = recorder.record(sentCall(1), call.signal);
  call.abort();
  await recorded;
  await recorder.record(sentCall(1), call.signal);
  gate.resolve();
  await recorder[Symbol.asyncDispose]();
  expect(log.stored).toHaveLength(2);
});

test("a log that refuses costs the caller nothing and is told once, with how many were lost", async () => {
  const { log, failures, recorder } = rig();
  log.beforeAppend = () => Promise.reject(logDown);
  await recorder.record(sentCall(3), noSignal());
  expect(failures).toEqual([{ events: 3, error: logDown }]);
});

test("relaxed: does not wait, and is bounded", async () => {
  const { log, failures, recorder } = rig({ mode: "relaxed", maxPending: 3 });
  const gate = Promise.withResolvers<void>();
  log.beforeAppend = () => gate.promise;
  await recorder.record(sentCall(2), noSignal());
  await recorder.record(sentCall(2), noSignal());
  await recorder.record(sentCall(5), noSignal());
  expect(failures).toMatchObject([{ events: 5, error: { reason: "OVERLOADED" } }]);
  expect(log.stored).toEqual([]);
  gate.resolve();
  await recorder[Symbol.asyncDispose]();
  expect(log.stored).toHaveLength(4);
  await recorder.record(sentCall(1), noSignal());
  await recorder[Symbol.asyncDispose]();
  expect(log.stored).toHaveLength(5);
});

test("off: records nothing", async () => {
  const { log, recorder } = rig({ mode: "off" });
  await recorder.record(sentCall(1), noSignal());
  await recorder[Symbol.asyncDispose]();
  expect(log.stored).toEqual([]);
});

test("an ordinary call is one append; a large one several, by number and by bytes, one after the other", async () => {
  const { log, recorder } = rig();
  const sizes: number[] = [];
  let open = 0;
  log.beforeAppend = async (events) => {
    sizes.push(events.length);
    expect(++open).toBe(1);
    await null;
    open--;
  };
  await recorder.record(sentCall(100), noSignal());
  expect(sizes.splice(0)).toEqual([100]);
  await recorder.record(sentCall(600), noSignal());
  expect(sizes.splice(0)).toEqual([256, 256, 88]);
  await recorder.record(sentCall(600, "x".repeat(16_000)), noSignal());
  expect(Math.max(...sizes)).toBeLessThan(70);
  expect(log.stored).toHaveLength(1300);
});

test("calls that come together, or while an append is on its way, share an append", async () => {
  const { log, recorder } = rig();
  const sizes: number[] = [];
  const gate = Promise.withResolvers<void>();
  log.beforeAppend = (events) => {
    sizes.push(events.length);
    return gate.promise;
  };
  const together = [1, 2].map((count) => recorder.record(sentCall(count), noSignal()));
  expect(await isSettled(Promise.all(together))).toBe(false);
  const later = Array.from({ length: 17 }, () => 250).map((count) =>
    recorder.record(sentCall(count), noSignal()),
  );
  expect(await isSettled(Promise.all(later))).toBe(false);
  gate.resolve();
  await Promise.all([...together, ...later]);
  // 4,096 events are an append's bound.
  expect(sizes).toEqual([3, 16 * 250, 250]);
  expect(log.stored).toHaveLength(3 + 17 * 250);
});

test("a slow log is given no more bytes than may wait, and the caller still gets its answer", async () => {
  const { log, failures, recorder } = rig({ maxWaitMs: 1 });
  const gate = Promise.withResolvers<void>();
  log.beforeAppend = () => gate.promise;
  const large = "x".repeat(4 * 1024 * 1024);
  for (let n = 0; n < 12; n++) await recorder.record(sentCall(1, large), noSignal());
  expect(failures.length).toBeGreaterThan(2);
  expect(failures).toEqual(
    failures.map(() => ({ events: 1, error: expect.objectContaining({ reason: "OVERLOADED" }) })),
  );
  gate.resolve();
  await recorder[Symbol.asyncDispose]();
  expect(log.stored).toHaveLength(12 - failures.length);
});

test("when a later append of a call fails, what was left is told", async () => {
  const { log, failures, recorder } = rig();
  log.beforeAppend = () => (log.stored.length > 0 ? Promise.reject(logDown) : undefined);
  await recorder.record(sentCall(600), noSignal());
  expect(failures).toEqual([{ events: 344, error: logDown }]);
  expect(log.stored).toHaveLength(256);
});

test("details nested too deep to encode are left out; the result is recorded", async () => {
  const { log, failures, recorder } = rig();
  const call = sentCall(1);
  let details: { [key: string]: never } = {};
  for (let depth = 0; depth < 100_000; depth++) details = { d: details } as never;
  for (const result of call.results) result.details = details;
  await recorder.record(call, noSignal());
  expect(failures).toEqual([]);
  expect(log.stored).toHaveLength(1);
});
