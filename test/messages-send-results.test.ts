import { create, fromBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { EventSchema, EventType } from "../gen/infobip/events/v1/event_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { SendEventsRequestSchema } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { SendMessagesRequestSchema, SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { ServiceError } from "../src/errors.ts";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { StatusRank } from "../src/infobip/status-rank.ts";
import { openSendResultRecorder } from "../src/messages/send-result-recorder.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { MemoryEventLog } from "./fixtures/memory-event-log.ts";
import { messagesRig } from "./fixtures/messages-rig.ts";
import { acceptAll } from "./fixtures/recording-client.ts";

const TIME = 1_764_000_000_123;

function rig() {
  const log = new MemoryEventLog();
  const clock = { now: TIME };
  const recorder = openSendResultRecorder({
    log,
    mode: "durable",
    now: () => clock.now,
    onFailure: ({ error }) => expect.unreachable(error.message),
  });
  const defaults = { senders: new Map([[Channel.SMS, "Default"]]), webhookUrls: undefined };
  const { client, service } = messagesRig({ defaults, recorder });
  const send = (body: unknown) => {
    const { message, issues } = decodeRest(SendMessagesRequestSchema, body);
    expect(issues).toEqual([]);
    return service.sendMessages(message, plainCall());
  };
  const events = () => log.stored.map(({ encoded }) => fromBinary(EventSchema, encoded));
  const answers = () => events().map(({ payload }) => payload.value);
  return { log, client, clock, service, send, events, answers };
}

const text = (destinations: unknown, more: object = {}) => ({
  channel: "SMS",
  destinations,
  content: { body: { type: "TEXT", text: "secret words" } },
  ...more,
});

test("one event for each destination, with everything that is known of it", async () => {
  const { send, events, answers, log } = rig();
  await send({
    messages: [
      text([{ to: "41790000001" }, { to: "41790000002", messageId: "mine" }], {
        webhooks: { callbackData: "order 7" },
        options: {
          platform: { applicationId: "app", entityId: "entity" },
          campaignReferenceId: "campaign",
        },
      }),
      text([{ to: "41790000003" }], { channel: "WHATSAPP", sender: "Shop" }),
    ],
  });
  expect(events()).toMatchObject([
    {
      type: EventType.SEND_RESULT,
      messageId: "new-1",
      bulkId: "bulk",
      channel: Channel.SMS,
      sender: "Default",
      destination: "41790000001",
      applicationId: "app",
      entityId: "entity",
      callbackData: "order 7",
      campaignReferenceId: "campaign",
      final: false,
      payload: {
        case: "sendResult",
        value: { outcome: SendOutcome.SENT, status: { groupId: 1, id: 26, name: "MESSAGE_ACCEPTED" } },
      },
    },
    { messageId: "mine", destination: "41790000002", callbackData: "order 7" },
    { messageId: "new-2", channel: Channel.WHATSAPP, sender: "Shop", destination: "41790000003" },
  ]);
  expect(events().map(({ occurTime }) => occurTime && timestampMs(occurTime))).toEqual([TIME, TIME, TIME]);
  expect(events()[2]).not.toHaveProperty("callbackData");
  expect(events()[2]).not.toHaveProperty("applicationId");
  expect(answers()[0]).not.toHaveProperty("errorReason");
  expect(answers()[0]).not.toHaveProperty("details");
  expect(log.stored.map(({ columns }) => columns)).toMatchObject([
    {
      type: EventType.SEND_RESULT,
      messageId: "new-1",
      bulkId: "bulk",
      sender: "Default",
      destination: "41790000001",
      applicationId: "app",
      entityId: "entity",
      rank: StatusRank.ACCEPTED,
      occurTimeMs: TIME,
      final: false,
    },
    { messageId: "mine" },
    { channel: Channel.WHATSAPP },
  ]);
  expect(log.stored[0]?.raw).toHaveLength(0);
  expect(Buffer.concat(log.stored.map(({ encoded }) => encoded)).includes("secret words")).toBe(false);
});

test("a refused destination is final, a refused repeat and a missing answer are not", async () => {
  const { client, send, events, answers, log } = rig();
  const rejected = (id: number, name: string) => ({ groupId: 5, groupName: 6, id, name });
  client.answer = (body) => {
    const [first, second] = acceptAll(body);
    return {
      bulkId: "b",
      messages: [
        { ...first, status: rejected(12, "REJECTED_NOT_ENOUGH_CREDITS"), details: { why: "credit" } },
        { ...second, status: rejected(23, "REJECTED_DUPLICATE_MESSAGE_ID") },
      ],
    };
  };
  await send({ messages: [text([{ to: "1" }, { to: "2" }, { to: "3" }])] });
  expect(events()).toMatchObject([
    {
      final: true,
      payload: { value: { outcome: SendOutcome.NOT_SENT, status: { id: 12 }, details: { why: "credit" } } },
    },
    {
      final: false,
      payload: { value: { outcome: SendOutcome.SENT, status: { id: 23 } } },
    },
    {
      final: false,
      destination: "3",
      payload: { value: { outcome: SendOutcome.UNKNOWN } },
    },
  ]);
  expect(answers()[1]).not.toHaveProperty("details");
  expect(answers()[2]).not.toHaveProperty("status");
  expect(log.stored.map(({ columns }) => columns.rank)).toEqual([
    StatusRank.FAILED,
    StatusRank.ACCEPTED,
    StatusRank.SEND_UNKNOWN,
  ]);
});

test("the destination is the one on the message's own channel when no answer names it", async () => {
  const { client, send, events } = rig();
  client.answer = () => ({ bulkId: "b", messages: [] });
  const byChannel = [
    { channel: "WHATSAPP", to: "whatsapp-address" },
    { channel: "SMS", to: "sms-address" },
  ];
  await send({ messages: [text([{ byChannel }])] });
  expect(events()).toMatchObject([{ destination: "sms-address", channel: Channel.SMS }]);
});

describe("a call that fails", () => {
  const failing = (outcome: string) =>
    new ServiceError(Code.Unknown, "SEND_OUTCOME_UNKNOWN", "text", { metadata: { outcome } });

  test("with outcome UNKNOWN is recorded for every destination, and fails as it did", async () => {
    const { client, send, events, log } = rig();
    const error = failing("UNKNOWN");
    client.sendMessages = () => Promise.reject(error);
    const body = { messages: [text([{ to: "1" }, { to: "2" }])], options: { schedule: { bulkId: "own" } } };
    await expect(send(body)).rejects.toBe(error);
    const value = { outcome: SendOutcome.UNKNOWN, errorReason: "SEND_OUTCOME_UNKNOWN" };
    expect(events()).toMatchObject([
      { messageId: "new-1", bulkId: "own", destination: "1", final: false, payload: { value } },
      { messageId: "new-2", destination: "2", payload: { value } },
    ]);
    expect(log.stored.map(({ columns }) => columns.rank)).toEqual([1, 1]);
  });

  test("with outcome NOT_SENT is not recorded", async () => {
    const { client, send, log } = rig();
    client.sendMessages = () => Promise.reject(failing("NOT_SENT"));
    await expect(send({ messages: [text([{ to: "1" }])] })).rejects.toMatchObject({ message: "text" });
    expect(log.stored).toEqual([]);
  });
});

test("the same id sent again is another event, and each destination of a call has its own", async () => {
  const { send, log, events, clock } = rig();
  const body = { messages: [text([{ to: "1", messageId: "mine" }, { to: "2" }])] };
  await send(body);
  clock.now++;
  await send(body);
  expect(events().map(({ messageId }) => messageId)).toEqual(["mine", "new-1", "mine", "new-2"]);
  expect(new Set(events().map(({ id }) => id)).size).toBe(4);
  expect(log.stored.every(({ columns }) => columns.occurTimeMs >= TIME)).toBe(true);
});

test("destinations whose ids cannot be told apart are all recorded", async () => {
  const { client, send, log } = rig();
  const status = { groupId: 1, id: 26 };
  const messageId = "x".repeat(1001);
  client.answer = () => ({
    messages: [
      { messageId, status },
      { messageId: `${messageId}y`, status },
    ],
  });
  await send({ messages: [text([{ to: "1" }, { to: "2" }])] });
  expect(log.stored).toHaveLength(2);
});

test("SendEvents records nothing", async () => {
  const { service, log, client } = rig();
  const body = {
    events: [{ event: "TYPING_STARTED", channel: "APPLE_MB", sender: "s", destinations: [{ to: "1" }] }],
  };
  const { message } = decodeRest(SendEventsRequestSchema, body);
  await service.sendEvents(create(SendEventsRequestSchema, message), plainCall());
  expect(client.bodies).toHaveLength(1);
  expect(log.stored).toEqual([]);
});
