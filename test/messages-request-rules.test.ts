import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import {
  SendEventsRequestSchema,
  ValidateMessagesRequestSchema,
} from "../gen/infobip/messages/v1/messages_service_pb.js";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { MAX_DESTINATIONS } from "../src/messages/request-rules.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { messagesRig } from "./fixtures/messages-rig.ts";

function rig() {
  const { client, service } = messagesRig();
  const messages = (list: unknown[]) => decodeRest(SendMessagesRequestSchema, { messages: list }).message;
  return {
    client,
    send: (list: unknown[]) => service.sendMessages(messages(list), plainCall()),
    check: (list: unknown[]) =>
      service.validateMessages(
        create(ValidateMessagesRequestSchema, { messages: messages(list).messages }),
        plainCall(),
      ),
    sendEvents: (events: unknown[]) =>
      service.sendEvents(decodeRest(SendEventsRequestSchema, { events }).message, plainCall()),
  };
}

function sms(destinations: unknown[], more: object = {}) {
  return { channel: "SMS", destinations, content: { body: { type: "TEXT", text: "x" } }, ...more };
}

function typing(destinations: unknown[]) {
  return { event: "TYPING_STARTED", channel: "WHATSAPP", sender: "1", destinations };
}

function many(count: number) {
  return Array.from({ length: count }, () => ({ to: "1" }));
}

function refusal(field: string) {
  return {
    code: Code.InvalidArgument,
    reason: "REQUEST_INVALID",
    metadata: { outcome: "NOT_SENT" },
    violations: [{ field }],
  };
}

describe("the number of destinations", () => {
  test("is bounded over all messages, and the message that passes the bound is named", async () => {
    const { client, send, check } = rig();
    const list = [sms(many(MAX_DESTINATIONS)), sms(many(1)), sms(many(1))];
    await expect(send(list)).rejects.toMatchObject(refusal("messages[1].message.destinations"));
    const answer = await check(list);
    expect(answer.valid).toBe(false);
    expect(answer.violations.map((v) => [v.field, v.property])).toEqual([
      ["messages[1].message.destinations", "messages[1].destinations"],
    ]);
    expect(client.bodies).toEqual([]);
  });

  test("may be the bound itself", async () => {
    const { send } = rig();
    const { results } = await send([sms(many(MAX_DESTINATIONS - 1)), sms(many(1))]);
    expect(results).toHaveLength(MAX_DESTINATIONS);
  });

  test("is bounded over all events", async () => {
    const { client, sendEvents } = rig();
    await expect(sendEvents([typing(many(MAX_DESTINATIONS)), typing(many(1))])).rejects.toMatchObject(
      refusal("events[1].typing_started.destinations"),
    );
    expect(client.bodies).toEqual([]);
  });
});

describe("a message id", () => {
  const twice = [sms([{ to: "1", messageId: "d" }]), sms([{ to: "2", messageId: "d" }])];

  test("must not be given twice; the second use is named", async () => {
    const { client, send, check } = rig();
    const field = "messages[1].message.destinations[0].to_destination.message_id";
    await expect(send(twice)).rejects.toMatchObject(refusal(field));
    expect((await check(twice)).violations).toMatchObject([
      { field, property: "messages[1].destinations[0].messageId" },
    ]);
    expect(client.bodies).toEqual([]);
  });

  test("may stand for several channels of one destination, but not of two", async () => {
    const byChannel = [
      { channel: "SMS", to: "1", messageId: "d" },
      { channel: "WHATSAPP", to: "1", messageId: "d" },
    ];
    const { client, send } = rig();
    await expect(send([sms([{ byChannel }, { to: "2", messageId: "d" }])])).rejects.toMatchObject(
      refusal("messages[0].message.destinations[1].to_destination.message_id"),
    );
    await expect(send([sms([{ to: "2", messageId: "d" }, { byChannel }])])).rejects.toMatchObject(
      refusal("messages[0].message.destinations[1].channels_destination.by_channel[0].message_id"),
    );
    const differing = [
      { channel: "SMS", to: "1", messageId: "c" },
      { channel: "WHATSAPP", to: "1", messageId: "d" },
    ];
    await expect(send([sms([{ byChannel: differing }, { to: "2", messageId: "d" }])])).rejects.toMatchObject(
      refusal("messages[0].message.destinations[1].to_destination.message_id"),
    );
    expect(client.bodies).toEqual([]);
    await send([sms([{ byChannel }])]);
    // An id beside the list overrides those inside it.
    await send([
      sms([
        { byChannel, messageId: "e" },
        { to: "2", messageId: "d" },
      ]),
    ]);
    expect(client.bodies).toHaveLength(2);
  });

  test("may be left out or empty any number of times", async () => {
    const { send } = rig();
    const { results } = await send([
      sms([{ to: "1", messageId: "" }, { to: "2", messageId: "" }, { to: "3" }]),
    ]);
    expect(results.map((r) => r.messageId)).toEqual(["new-1", "new-2", "new-3"]);
  });

  test("must be unique among events too", async () => {
    const { client, sendEvents } = rig();
    const destinations = [
      { to: "1", messageId: "d" },
      { to: "2", messageId: "d" },
    ];
    await expect(sendEvents([typing(destinations)])).rejects.toMatchObject(
      refusal("events[0].typing_started.destinations[1].message_id"),
    );
    expect(client.bodies).toEqual([]);
  });

  test("that is repeated many times makes a list that fits into an error", async () => {
    const { send } = rig();
    const list = Array.from({ length: 300 }, () => ({ to: "1", messageId: "d" }));
    const error = await send([sms(list)]).catch((thrown: unknown) => thrown);
    expect((error as { violations: unknown[] }).violations).toHaveLength(20);
  });
});
