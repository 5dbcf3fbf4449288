import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ServiceError } from "../src/errors.ts";
import type { SendAnswer } from "../src/infobip/sending/send-queue.ts";
import { LATE_ANSWER_MS } from "../src/infobip/sending/send-queue-options.ts";
import { errorOf, fillEager, jobOf, settle, startQueue } from "./send-queue-rig.ts";

const DEADLINE = new ServiceError(Code.DeadlineExceeded, "DEADLINE_EXCEEDED", "the deadline passed");

/** A job that can be cancelled, and what came late. */
function cancellable(id: string) {
  const controller = new AbortController();
  const late: (SendAnswer | ServiceError)[] = [];
  const onLate = (outcome: SendAnswer | ServiceError) => void late.push(outcome);
  return { job: jobOf(id, { signal: controller.signal, onLate }), controller, late };
}

test("a job that is queued is taken out, and has not been sent", async () => {
  const rig = startQueue();
  const [first] = await fillEager(rig);
  const [gone, late] = [cancellable("gone"), cancellable("late")];
  const calls = [rig.queue.send(gone.job), rig.queue.send(late.job)].map(errorOf);
  const stays = rig.queue.send(jobOf("stays"));
  gone.controller.abort();
  late.controller.abort(DEADLINE);
  const errors = await Promise.all(calls);
  expect(errors).toMatchObject([
    { code: Code.Canceled, reason: "CANCELLED", metadata: { outcome: "NOT_SENT" } },
    { code: Code.DeadlineExceeded, reason: "OVERLOADED", metadata: { outcome: "NOT_SENT" } },
  ]);
  expect(rig.queue.state().queuedJobs).toBe(1);
  first?.accept();
  await settle();
  expect(rig.requests[8]?.ids).toEqual(["stays"]);
  rig.requests[8]?.accept();
  await stays;
  expect([...gone.late, ...late.late]).toEqual([]);
});

test("a request that is not written is withdrawn: the cancelled job is unsent, the others go out again", async () => {
  const rig = startQueue();
  const [first] = await fillEager(rig);
  const gone = cancellable("gone");
  const stays = rig.queue.send(jobOf("stays"));
  const call = errorOf(rig.queue.send(gone.job));
  first?.accept();
  await settle();
  expect(rig.requests[8]?.ids).toEqual(["stays", "gone"]);
  gone.controller.abort(DEADLINE);
  expect(await call).toMatchObject({
    code: Code.DeadlineExceeded,
    reason: "DEADLINE_EXCEEDED",
    metadata: { outcome: "NOT_SENT" },
  });
  await settle();
  expect(rig.requests[8]?.isSettled).toBe(true);
  expect(rig.requests[9]?.ids).toEqual(["stays"]);
  rig.requests[9]?.write().accept();
  expect((await stays).answers[0]?.messageId).toBe("stays");
  expect(gone.late).toEqual([]);
});

test("once it is written the cancelled job's outcome is unknown, and what comes of it is told late", async () => {
  const rig = startQueue();
  const gone = cancellable("gone");
  const call = errorOf(rig.queue.send(gone.job));
  rig.requests[0]?.write();
  gone.controller.abort();
  expect(await call).toMatchObject({
    code: Code.Canceled,
    reason: "SEND_OUTCOME_UNKNOWN",
    metadata: { outcome: "UNKNOWN", message_ids: "gone" },
  });
  expect(rig.queue.state().requests).toBe(1);
  rig.requests[0]?.accept();
  await settle();
  expect(gone.late).toMatchObject([{ bulkId: "bulk", answers: [{ messageId: "gone" }] }]);
});

test("other jobs of a written request are not touched, and a late refusal is told and not repeated", async () => {
  const rig = startQueue();
  const [first] = await fillEager(rig);
  const gone = cancellable("gone");
  const call = errorOf(rig.queue.send(gone.job));
  const stays = rig.queue.send(jobOf("stays"));
  first?.accept();
  await settle();
  rig.requests[8]?.write();
  gone.controller.abort(DEADLINE);
  expect((await call).metadata).toMatchObject({ outcome: "UNKNOWN", message_ids: "gone" });
  rig.timer.advance(LATE_ANSWER_MS * 2);
  expect(rig.requests[8]?.isSettled).toBe(false);
  rig.requests[8]?.status(503, { retryAfter: 1 });
  await settle();
  expect(gone.late).toMatchObject([{ reason: "UPSTREAM_FAILED", metadata: { outcome: "NOT_SENT" } }]);
  rig.timer.advance(2_000);
  expect(rig.requests.at(-1)?.ids).toEqual(["stays"]);
  rig.requests.at(-1)?.accept();
  await stays;
});

test("an answer that nobody waits for is given up after a time", async () => {
  const rig = startQueue();
  const gone = cancellable("gone");
  const call = errorOf(rig.queue.send(gone.job));
  rig.requests[0]?.write();
  rig.timer.advance(1_000);
  gone.controller.abort();
  await call;
  rig.timer.advance(LATE_ANSWER_MS - 1);
  expect(rig.requests[0]?.options.signal.aborted).toBe(false);
  rig.timer.advance(1);
  expect(rig.requests[0]?.options.signal.aborted).toBe(true);
  await settle();
  expect(gone.late).toMatchObject([
    { reason: "SEND_OUTCOME_UNKNOWN", metadata: { outcome: "UNKNOWN", message_ids: "gone" } },
  ]);
  expect(rig.queue.state().requests).toBe(0);
});

test("a call that has ended before it begins is not sent", async () => {
  const { queue, requests } = startQueue();
  const aborted = await errorOf(queue.send(jobOf("a", { signal: AbortSignal.abort() })));
  expect(aborted).toMatchObject({ code: Code.Canceled, metadata: { outcome: "NOT_SENT" } });
  const late = await errorOf(queue.send(jobOf("b", { timeoutMs: 0 })));
  expect(late).toMatchObject({ code: Code.DeadlineExceeded, metadata: { outcome: "NOT_SENT" } });
  expect(requests).toEqual([]);
});

test("no listener stays on the signal of a call that has ended", async () => {
  const { queue, requests } = startQueue();
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  const call = queue.send(jobOf("a", { signal }));
  expect(listeners).toBe(1);
  requests[0]?.accept();
  await call;
  expect(listeners).toBe(0);
});

test("disposing ends what waits, refuses what comes and waits for what is under way", async () => {
  const rig = startQueue();
  const [first, ...others] = await fillEager(rig);
  const queued = errorOf(rig.queue.send(jobOf("queued")));
  let isClosed = false;
  const closing = rig.queue[Symbol.asyncDispose]().then(() => {
    isClosed = true;
  });
  const after = errorOf(rig.queue.send(jobOf("after")));
  for (const error of [await queued, await after]) {
    expect(error).toMatchObject({
      code: Code.Unavailable,
      reason: "DRAINING",
      metadata: { outcome: "NOT_SENT" },
    });
  }
  first?.status(503);
  for (const request of others) request.accept();
  await closing;
  expect(isClosed).toBe(true);
  expect(rig.requests).toHaveLength(8);
  expect(rig.timer.size).toBe(0);
});
