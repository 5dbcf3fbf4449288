import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { EventSchema } from "../gen/infobip/events/v1/event_pb.js";
import { type SendMessagesResponse, SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import type { ServiceError } from "../src/errors.ts";
import { StatusRank } from "../src/infobip/status-rank.ts";
import { createMessageSender, type MessageSendOptions } from "../src/messages/message-sender.ts";
import { prepareRequest } from "../src/messages/prepare-request.ts";
import { openSendResultRecorder } from "../src/messages/send-result-recorder.ts";
import { MemoryEventLog } from "./fixtures/memory-event-log.ts";
import { NO_DEFAULTS } from "./fixtures/messages-rig.ts";
import { requestOf } from "./fixtures/request-id-rig.ts";
import { outcomeUnknown, ScriptedQueue } from "./fixtures/scripted-queue.ts";

function rig() {
  const log = new MemoryEventLog();
  const queue = new ScriptedQueue();
  const recorder = openSendResultRecorder({
    log,
    mode: "durable",
    now: () => 1_764_000_000_000,
    onFailure: ({ error }) => expect.unreachable(error.message),
  });
  const sender = createMessageSender({ queue, recorder });
  const send = (options: Partial<MessageSendOptions> = {}) => {
    const prepared = prepareRequest(requestOf({ destinations: 2 }), {
      defaults: NO_DEFAULTS,
      newMessageId: idsFrom("m"),
    });
    const signal = options.signal ?? new AbortController().signal;
    return sender.send(prepared, { flow: "f", coalesce: true, timeoutMs: 5, ...options, signal });
  };
  const stored = async () => {
    await recorder[Symbol.asyncDispose]();
    return log.stored.map(({ encoded }) => fromBinary(EventSchema, encoded));
  };
  return { queue, send, stored, log };
}

function idsFrom(prefix: string): () => string {
  let count = 0;
  return () => `${prefix}-${++count}`;
}

async function sendAndLeave({ queue, send }: ReturnType<typeof rig>) {
  const leaving = new AbortController();
  const late: (SendMessagesResponse | ServiceError)[] = [];
  const call = send({ signal: leaving.signal, onLate: (outcome) => late.push(outcome) });
  const job = await queue.job(0);
  job.leave();
  leaving.abort();
  await expect(call).rejects.toMatchObject({ reason: "SEND_OUTCOME_UNKNOWN" });
  return { job, late };
}

test("an answer that comes after its caller has gone is told and recorded, beside the unknown outcome", async () => {
  const sending = rig();
  const { job, late } = await sendAndLeave(sending);
  job.accept("late");
  expect(late).toMatchObject([
    { bulkId: "late", results: [{ messageId: "m-1", outcome: SendOutcome.SENT }, { messageId: "m-2" }] },
  ]);
  const events = await sending.stored();
  const unknown = { outcome: SendOutcome.UNKNOWN, errorReason: "SEND_OUTCOME_UNKNOWN" };
  expect(events).toMatchObject([
    { messageId: "m-1", payload: { value: unknown } },
    { messageId: "m-2", payload: { value: unknown } },
    { messageId: "m-1", bulkId: "late", payload: { value: { outcome: SendOutcome.SENT } } },
    { messageId: "m-2", bulkId: "late", destination: "of m-2" },
  ]);
  expect(sending.log.stored.map(({ columns }) => columns.rank)).toEqual([
    StatusRank.SEND_UNKNOWN,
    StatusRank.SEND_UNKNOWN,
    StatusRank.ACCEPTED,
    StatusRank.ACCEPTED,
  ]);
});

test("when no answer comes that is told, and nothing more is recorded", async () => {
  const sending = rig();
  const { job, late } = await sendAndLeave(sending);
  const error = outcomeUnknown();
  job.fail(error);
  expect(late).toEqual([error]);
  expect(await sending.stored()).toHaveLength(2);
});

test("the queue is given what the sender was given", async () => {
  const { queue, send } = rig();
  const beforeSend = () => Promise.resolve();
  const call = send({ beforeSend, coalesce: false });
  const { job } = await queue.job(0);
  expect(job).toMatchObject({
    flow: "f",
    coalesce: false,
    timeoutMs: 5,
    beforeSend,
    messageIds: ["m-1", "m-2"],
    channels: [{ destinations: 2 }],
    body: { endpoint: "messages", options: undefined },
  });
  expect(job.fieldPath("messages[0].content.body.text")).toBe("messages[0].message.content.body.text.text");
  queue.jobs[0]?.accept();
  await call;
});
