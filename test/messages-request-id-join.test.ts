import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { ServiceError } from "../src/errors.ts";
import { MemoryAnswerStore } from "./fixtures/memory-answer-store.ts";
import { requestIdRig, settled } from "./fixtures/request-id-rig.ts";
import { notSent, outcomeUnknown } from "./fixtures/scripted-queue.ts";

const CANCELLED_UNSENT = { code: Code.Canceled, reason: "CANCELLED", metadata: { outcome: "NOT_SENT" } };

describe("repeats of a call that is under way", () => {
  test("wait for its answer", async () => {
    const { send, queue, repeats } = requestIdRig();
    const calls = [send(), send(), send()];
    (await queue.job(0)).accept();
    const [first, ...others] = await Promise.all(calls);
    expect(others).toEqual([first, first]);
    expect(queue.jobs).toHaveLength(1);
    expect(repeats).toEqual(["joined", "joined"]);
  });

  test("get its error, and the next one is sent again", async () => {
    const { send, queue } = requestIdRig();
    const calls = [send(), send()];
    const error = notSent();
    (await queue.job(0)).fail(error);
    await expect(calls[0]).rejects.toBe(error);
    await expect(calls[1]).rejects.toBe(error);
    void send();
    await queue.job(1);
  });

  test("with other contents are refused", async () => {
    const { send, queue, repeats } = requestIdRig();
    void send();
    await queue.job(0);
    await expect(send({ text: "other" })).rejects.toMatchObject({
      code: Code.AlreadyExists,
      reason: "REQUEST_ID_REUSED",
      metadata: { outcome: "NOT_SENT" },
    });
    expect(repeats).toEqual(["conflicting"]);
  });

  test("that come with more time than the first had are worth another attempt", async () => {
    const { send, queue } = requestIdRig();
    const short = send({ timeoutMs: 100 });
    const first = await queue.job(0);
    const long = send({ timeoutMs: 60_000 });
    const tooLate = new ServiceError(Code.DeadlineExceeded, "OVERLOADED", "the queue is too long", {
      metadata: { outcome: "NOT_SENT" },
    });
    first.fail(tooLate);
    await expect(short).rejects.toBe(tooLate);
    const second = await queue.job(1);
    expect([first.job.timeoutMs, second.job.timeoutMs]).toEqual([100, 60_000]);
    second.accept();
    await expect(long).resolves.toMatchObject({ bulkId: "bulk" });
  });
});

describe("a caller that leaves", () => {
  test("leaves the others their call, and learns that it may be sent", async () => {
    const { send, queue } = requestIdRig();
    const leaving = new AbortController();
    const left = send({ signal: leaving.signal });
    const other = send();
    const job = await queue.job(0);
    leaving.abort();
    await expect(left).rejects.toMatchObject({
      code: Code.Canceled,
      reason: "SEND_OUTCOME_UNKNOWN",
      metadata: { outcome: "UNKNOWN", message_ids: job.job.messageIds.join(",") },
    });
    expect(job.job.signal.aborted).toBe(false);
    job.accept();
    await expect(other).resolves.toMatchObject({ bulkId: "bulk" });
  });

  test("as the last one ends the call: what has not left is not sent", async () => {
    const { send, queue } = requestIdRig();
    const leaving = [new AbortController(), new AbortController()];
    const calls = leaving.map(({ signal }) => send({ signal }));
    await queue.job(0);
    leaving[0]?.abort();
    await expect(calls[0]).rejects.toMatchObject({ metadata: { outcome: "UNKNOWN" } });
    leaving[1]?.abort();
    await expect(calls[1]).rejects.toMatchObject(CANCELLED_UNSENT);
    void send();
    expect((await queue.job(1)).job.messageIds).toEqual(queue.jobs[0]?.job.messageIds);
  });

  test("at its deadline is told so", async () => {
    const { send, queue } = requestIdRig();
    const leaving = new AbortController();
    const call = send({ signal: leaving.signal });
    (await queue.job(0)).leave();
    leaving.abort(new ServiceError(Code.DeadlineExceeded, "DEADLINE_EXCEEDED", "too late"));
    await expect(call).rejects.toMatchObject({
      code: Code.DeadlineExceeded,
      reason: "SEND_OUTCOME_UNKNOWN",
    });
  });

  test.each([
    [false, Code.Unavailable, "DRAINING", "NOT_SENT"],
    [true, Code.Unknown, "SEND_OUTCOME_UNKNOWN", "UNKNOWN"],
  ])(
    "because the service stops is told so, but never to repeat what may be sent (has left: %s)",
    async (hasLeft, code, reason, outcome) => {
      const { send, queue } = requestIdRig();
      const leaving = new AbortController();
      const call = send({ signal: leaving.signal });
      const job = await queue.job(0);
      if (hasLeft) job.leave();
      leaving.abort(new ServiceError(Code.Unavailable, "DRAINING", "stopping"));
      await expect(call).rejects.toMatchObject({ code, reason, metadata: { outcome } });
    },
  );

  test("in the moment in which its request breaks leaves nothing to wait for", async () => {
    const { send, queue, timer } = requestIdRig();
    const leaving = new AbortController();
    const call = send({ signal: leaving.signal });
    (await queue.job(0)).fail(outcomeUnknown());
    leaving.abort();
    await expect(call).rejects.toMatchObject({ code: Code.Unknown, reason: "SEND_OUTCOME_UNKNOWN" });
    expect(timer.size).toBe(0);
    void send();
    await queue.job(1);
  });

  test("before the look-up is done has sent nothing, and nothing is sent", async () => {
    const answers = new MemoryAnswerStore();
    const finding = Promise.withResolvers<void>();
    answers.beforeFind = () => finding.promise;
    const { send, queue } = requestIdRig(answers);
    const leaving = new AbortController();
    const call = send({ signal: leaving.signal });
    leaving.abort();
    await expect(call).rejects.toMatchObject(CANCELLED_UNSENT);
    finding.resolve();
    await settled();
    expect(queue.jobs).toEqual([]);
    void send();
    await queue.job(0);
  });

  test("before it has come has sent nothing", async () => {
    const { send, queue } = requestIdRig();
    await expect(send({ signal: AbortSignal.abort() })).rejects.toMatchObject(CANCELLED_UNSENT);
    expect(queue.jobs).toEqual([]);
  });

  test("while the answer is being stored gets the answer", async () => {
    const answers = new MemoryAnswerStore();
    answers.beforeSave = () => new Promise(() => undefined);
    const { send, queue } = requestIdRig(answers);
    const leaving = new AbortController();
    const call = send({ signal: leaving.signal });
    (await queue.job(0)).accept();
    await settled();
    leaving.abort();
    await expect(call).resolves.toMatchObject({ bulkId: "bulk" });
  });
});

describe("a call whose caller has gone after its request had left", () => {
  async function gone() {
    const answers = new MemoryAnswerStore();
    const rig = requestIdRig(answers);
    const leaving = new AbortController();
    const call = rig.send({ signal: leaving.signal });
    const job = await rig.queue.job(0);
    job.leave();
    leaving.abort();
    await expect(call).rejects.toMatchObject({ reason: "SEND_OUTCOME_UNKNOWN" });
    return { ...rig, answers, job };
  }

  test("stores the answer that comes late", async () => {
    const { send, queue, job } = await gone();
    job.accept("late");
    await settled();
    await expect(send()).resolves.toMatchObject({ bulkId: "late" });
    expect(queue.jobs).toHaveLength(1);
  });

  test("gives that answer to a repeat that has come meanwhile, which is not sent", async () => {
    const { send, queue, job } = await gone();
    const repeat = send();
    await settled();
    expect(queue.jobs).toHaveLength(1);
    job.accept("late");
    await expect(repeat).resolves.toMatchObject({ bulkId: "late" });
    expect(queue.jobs).toHaveLength(1);
  });

  test("is sent again for that repeat, with the same ids, when no answer comes", async () => {
    const { send, queue, job } = await gone();
    const repeat = send();
    await settled();
    job.fail(outcomeUnknown());
    const second = await queue.job(1);
    expect(second.job.messageIds).toEqual(job.job.messageIds);
    second.accept();
    await expect(repeat).resolves.toMatchObject({ bulkId: "bulk" });
  });

  test("is sent again for a repeat when its queue never tells what became of it", async () => {
    const { send, queue, timer } = await gone();
    void send();
    timer.advance(15_000);
    await queue.job(1);
    expect(timer.size).toBe(0);
  });

  test("lets that repeat go too", async () => {
    const { send, job, timer } = await gone();
    const leaving = new AbortController();
    const repeat = send({ signal: leaving.signal });
    await settled();
    leaving.abort();
    await expect(repeat).rejects.toMatchObject({ reason: "SEND_OUTCOME_UNKNOWN" });
    job.fail(outcomeUnknown());
    await settled();
    expect(timer.size).toBe(0);
  });
});

test("disposing waits until the last answer is stored", async () => {
  const answers = new MemoryAnswerStore();
  const saving = Promise.withResolvers<void>();
  answers.beforeSave = () => saving.promise;
  const { once, send, queue } = requestIdRig(answers);
  void send();
  (await queue.job(0)).accept();
  let isDisposed = false;
  const disposing = once[Symbol.asyncDispose]().then(() => {
    isDisposed = true;
  });
  await settled();
  expect(isDisposed).toBe(false);
  saving.resolve();
  await disposing;
  expect(answers.size).toBe(1);
});
