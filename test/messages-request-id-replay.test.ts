import { equals } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { SendMessagesResponseSchema, SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { ServiceError } from "../src/errors.ts";
import { MemoryAnswerStore } from "./fixtures/memory-answer-store.ts";
import { requestIdRig, settled } from "./fixtures/request-id-rig.ts";
import { notSent, outcomeUnknown } from "./fixtures/scripted-queue.ts";

const UUID_V8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const REUSED = {
  code: Code.AlreadyExists,
  reason: "REQUEST_ID_REUSED",
  metadata: { outcome: "NOT_SENT" },
};

function unavailable(): ServiceError {
  return new ServiceError(Code.Unavailable, "LOG_UNAVAILABLE", "the disk is full");
}

describe("a repeat after the answer", () => {
  test("gets the same answer, and nothing is sent", async () => {
    const { send, queue, repeats } = requestIdRig();
    const first = send({ destinations: 2 });
    (await queue.job(0)).accept();
    const answer = await first;
    const repeated = await send({ destinations: 2 });
    expect(equals(SendMessagesResponseSchema, repeated, answer)).toBe(true);
    expect(repeated.results.map(({ outcome }) => outcome)).toEqual([SendOutcome.SENT, SendOutcome.SENT]);
    expect(queue.jobs).toHaveLength(1);
    expect(repeats).toEqual(["replayed"]);
  });

  test("with other contents is refused", async () => {
    const { send, queue, repeats } = requestIdRig();
    const first = send();
    (await queue.job(0)).accept();
    await first;
    await expect(send({ text: "other" })).rejects.toMatchObject(REUSED);
    await expect(send({ messageId: "mine" })).rejects.toMatchObject(REUSED);
    expect(queue.jobs).toHaveLength(1);
    expect(repeats).toEqual(["conflicting", "conflicting"]);
  });

  test("may leave in another way: coalesce is no part of the contents", async () => {
    const { send, queue } = requestIdRig();
    const first = send({ coalesce: true });
    (await queue.job(0)).accept();
    await first;
    await expect(send({ coalesce: false })).resolves.toMatchObject({ bulkId: "bulk" });
    expect(queue.jobs).toHaveLength(1);
  });

  test("by another service process gets it from the store", async () => {
    const answers = new MemoryAnswerStore();
    const before = requestIdRig(answers);
    const first = before.send();
    (await before.queue.job(0)).accept("first");
    await first;
    const after = requestIdRig(answers);
    await expect(after.send()).resolves.toMatchObject({ bulkId: "first" });
    await expect(after.send({ text: "other" })).rejects.toMatchObject(REUSED);
    expect(after.queue.jobs).toEqual([]);
  });
});

describe("message ids", () => {
  test("are derived from the request id and the contents, and are the same for each repeat of a failed call", async () => {
    const { send, queue } = requestIdRig();
    for (const [index, error] of [notSent(), outcomeUnknown(), outcomeUnknown()].entries()) {
      const call = send({ destinations: 3 });
      (await queue.job(index)).fail(error);
      await expect(call).rejects.toBe(error);
    }
    const last = send({ destinations: 3 });
    (await queue.job(3)).accept();
    const { results } = await last;
    const ids = results.map(({ messageId }) => messageId);
    expect(queue.jobs.map(({ job }) => job.messageIds)).toEqual([ids, ids, ids, ids]);
    expect(new Set(ids).size).toBe(3);
    expect(ids.every((id) => UUID_V8.test(id))).toBe(true);
  });

  test("are others for another request id and for other contents", async () => {
    const { send, queue } = requestIdRig();
    void send();
    void send({ requestId: "order-8" });
    const failed = send({ requestId: "order-9" });
    (await queue.job(2)).fail(notSent());
    await expect(failed).rejects.toThrow();
    void send({ requestId: "order-9", text: "other" });
    await queue.job(3);
    expect(new Set(queue.jobs.flatMap(({ job }) => job.messageIds)).size).toBe(4);
  });

  test("of the caller's own stay; without a request id they are fresh, and nothing is stored", async () => {
    const answers = new MemoryAnswerStore();
    const { send, queue } = requestIdRig(answers);
    void send({ messageId: "mine" });
    const plain = [send({ requestId: undefined }), send({ requestId: undefined })];
    await queue.job(2);
    const ids = queue.jobs.map(({ job }) => job.messageIds[0]);
    expect(ids.toSorted()).toEqual(["mine", "new-1", "new-2"]);
    for (const job of queue.jobs.filter(({ job: { messageIds } }) => messageIds[0] !== "mine")) job.accept();
    await Promise.all(plain);
    expect(answers.saves).toBe(0);
  });
});

describe("the answer store", () => {
  test("has the answer before the caller has", async () => {
    const answers = new MemoryAnswerStore();
    const saving = Promise.withResolvers<void>();
    answers.beforeSave = () => saving.promise;
    const { send, queue } = requestIdRig(answers);
    let isAnswered = false;
    const call = send().then(() => {
      isAnswered = true;
    });
    (await queue.job(0)).accept();
    await settled();
    expect([isAnswered, answers.saves]).toEqual([false, 1]);
    saving.resolve();
    await call;
    expect(answers.size).toBe(1);
  });

  test("keeps no failure", async () => {
    const answers = new MemoryAnswerStore();
    const { send, queue } = requestIdRig(answers);
    const call = send();
    (await queue.job(0)).fail(outcomeUnknown());
    await expect(call).rejects.toMatchObject({ reason: "SEND_OUTCOME_UNKNOWN" });
    expect(answers.saves).toBe(0);
  });

  test("that cannot take an answer costs the caller nothing, and is reported", async () => {
    const answers = new MemoryAnswerStore();
    answers.beforeSave = () => {
      throw unavailable();
    };
    const { send, queue, notStored } = requestIdRig(answers);
    const call = send();
    (await queue.job(0)).accept();
    await expect(call).resolves.toMatchObject({ bulkId: "bulk" });
    expect(notStored).toMatchObject([{ reason: "LOG_UNAVAILABLE" }]);
    const repeat = send();
    expect((await queue.job(1)).job.messageIds).toEqual(queue.jobs[0]?.job.messageIds);
    queue.jobs[1]?.accept();
    await repeat;
  });

  test("that cannot be read ends the call before anything is sent", async () => {
    const answers = new MemoryAnswerStore();
    answers.beforeFind = () => {
      throw unavailable();
    };
    const { send, queue } = requestIdRig(answers);
    await expect(send()).rejects.toMatchObject({
      code: Code.Unavailable,
      reason: "LOG_UNAVAILABLE",
      metadata: { outcome: "NOT_SENT" },
    });
    expect(queue.jobs).toEqual([]);
  });

  test("without room ends further calls before anything is sent, and still replays", async () => {
    const answers = new MemoryAnswerStore();
    const { send, queue } = requestIdRig(answers);
    const first = send();
    (await queue.job(0)).accept();
    await first;
    answers.hasRoom = () => false;
    await expect(send({ requestId: "one-more" })).rejects.toMatchObject({
      code: Code.ResourceExhausted,
      reason: "REQUEST_IDS_FULL",
      metadata: { outcome: "NOT_SENT" },
    });
    expect(queue.jobs).toHaveLength(1);
    await expect(send()).resolves.toMatchObject({ bulkId: "bulk" });
  });
});

test("a request that breaks a rule of its own ends before anything is looked up", async () => {
  const answers = new MemoryAnswerStore();
  const { send, queue } = requestIdRig(answers);
  await expect(send({ destinations: 2, messageId: "same" })).rejects.toMatchObject({
    reason: "REQUEST_INVALID",
    metadata: { outcome: "NOT_SENT" },
  });
  expect([queue.jobs.length, answers.saves]).toEqual([0, 0]);
});
