import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
  SendOutcome,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import type { RequestDefaults } from "../src/messages/request-defaults.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { messagesRig } from "./fixtures/messages-rig.ts";
import { acceptAll } from "./fixtures/recording-client.ts";

function rig(defaults?: RequestDefaults) {
  const { client, queue, service } = messagesRig(defaults === undefined ? {} : { defaults });
  return {
    client,
    queue,
    service,
    send: (body: unknown) => service.sendMessages(request(body), plainCall()),
  };
}

function request(body: unknown): SendMessagesRequest {
  const { message, issues } = decodeRest(SendMessagesRequestSchema, body);
  expect(issues).toEqual([]);
  return message;
}

function message(destinations: unknown, more: object = {}) {
  return { channel: "SMS", destinations, content: { body: { type: "TEXT", text: "x" } }, ...more };
}

describe("message ids", () => {
  it("are kept where the caller gave one and made up where not, in order", async () => {
    const { client, send } = rig();
    const response = await send({
      messages: [
        message([{ to: "1" }, { to: "2", messageId: "mine" }]),
        message([{ to: "3", messageId: "" }]),
      ],
    });
    expect(client.bodies[0]?.messages?.flatMap((m) => m.destinations.map((d) => d.messageId))).toEqual([
      "new-1",
      "mine",
      "new-2",
    ]);
    expect(response.results.map((r) => [r.messageIndex, r.destinationIndex, r.messageId])).toEqual([
      [0, 0, "new-1"],
      [0, 1, "mine"],
      [1, 0, "new-2"],
    ]);
    expect(client.options[0]?.messageIds).toEqual(["new-1", "mine", "new-2"]);
  });

  it("stand beside by_channel, but never cover the caller's own inner ids", async () => {
    const { client, send } = rig();
    await send({
      messages: [
        message([{ byChannel: [{ channel: "SMS", to: "1" }] }]),
        message([{ byChannel: [{ channel: "SMS", to: "1", messageId: "inner" }] }]),
      ],
    });
    const [first, second] = client.bodies[0]?.messages ?? [];
    expect(first?.destinations[0]?.messageId).toBe("new-1");
    expect(second?.destinations[0]?.messageId).toBeUndefined();
    expect(client.options[0]?.messageIds).toEqual(["new-1", "inner"]);
  });
});

describe("message ids within by_channel", () => {
  it("are filled where one is given, and the result carries that of the message's own channel", async () => {
    const { client, send } = rig();
    const byChannel = [
      { channel: "WHATSAPP", to: "1", messageId: "theirs" },
      { channel: "SMS", to: "1" },
      { channel: "RCS", to: "1", messageId: "" },
    ];
    const response = await send({ messages: [message([{ byChannel }])] });
    const sent = client.bodies[0]?.messages?.[0]?.destinations[0];
    expect(sent).not.toHaveProperty("messageId");
    expect(sent?.byChannel?.map((entry) => entry.messageId)).toEqual(["theirs", "new-1", "new-2"]);
    expect(client.options[0]?.messageIds).toEqual(["new-1"]);
    expect(response.results.map((r) => r.messageId)).toEqual(["new-1"]);
  });

  it("are left alone when the caller gave one beside the list", async () => {
    const { client, send } = rig();
    const byChannel = [
      { channel: "SMS", to: "1", messageId: "inner" },
      { channel: "RCS", to: "1" },
    ];
    await send({ messages: [message([{ byChannel, messageId: "outer" }])] });
    expect(client.bodies[0]?.messages?.[0]?.destinations).toEqual([{ byChannel, messageId: "outer" }]);
    expect(client.options[0]?.messageIds).toEqual(["outer"]);
  });
});

describe("results", () => {
  it("are brought into the order of the request", async () => {
    const { client, send } = rig();
    client.answer = (body) => ({ bulkId: "b", messages: acceptAll(body).reverse() });
    const response = await send({ messages: [message([{ to: "1" }, { to: "2" }, { to: "3" }])] });
    expect(response.bulkId).toBe("b");
    expect(response.results.map((r) => r.destination)).toEqual(["1", "2", "3"]);
  });

  it("follow the place when Infobip answers with ids of its own", async () => {
    const { client, send } = rig();
    client.answer = (body) => ({
      messages: acceptAll(body).map((a, i) => ({ ...a, messageId: `theirs-${i}` })),
    });
    const response = await send({ messages: [message([{ to: "1" }, { to: "2" }])] });
    expect(response.results.map((r) => r.messageId)).toEqual(["theirs-0", "theirs-1"]);
  });

  it("say UNKNOWN where no answer speaks of the destination", async () => {
    const { client, send } = rig();
    client.answer = (body) => ({ messages: acceptAll(body).slice(0, 1) });
    const response = await send({ messages: [message([{ to: "1" }, { to: "2" }])] });
    expect(response.results.map((r) => r.outcome)).toEqual([SendOutcome.SENT, SendOutcome.UNKNOWN]);
    expect(response.results[1]?.messageId).toBe("new-2");
    expect(response.results[1]?.status).toBeUndefined();
  });

  it.each([
    [{ groupId: 1, id: 26 }, SendOutcome.SENT],
    [{ groupId: 0, id: 0 }, SendOutcome.SENT],
    [{ groupId: 5, id: 6 }, SendOutcome.NOT_SENT],
    [{ groupName: 6 }, SendOutcome.NOT_SENT],
    [{ groupId: 5, id: 23 }, SendOutcome.SENT],
  ])("status %j has outcome %i", async (status, outcome) => {
    const { client, send } = rig();
    client.answer = (body) => ({ messages: acceptAll(body).map((answer) => ({ ...answer, status })) });
    const response = await send({ messages: [message([{ to: "1" }])] });
    expect(response.results[0]?.outcome).toBe(outcome);
  });
});

describe("defaults", () => {
  const defaults: RequestDefaults = {
    senders: new Map([
      [Channel.SMS, "Desk"],
      [Channel.WHATSAPP, "385910000009"],
    ]),
    webhookUrls: {
      delivery: "https://in.example.com/d",
      seen: "https://in.example.com/s",
      click: "https://in.example.com/c",
    },
  };

  it("fill what is left out, also in failover steps", async () => {
    const { client, send } = rig(defaults);
    const failover = [{ channel: "WHATSAPP", content: { body: { type: "TEXT", text: "x" } } }];
    await send({ messages: [message([{ to: "1" }]), message([{ to: "1" }], { failover })] });
    const [plain, withFailover] = client.bodies[0]?.messages ?? [];
    expect(plain).toMatchObject({
      sender: "Desk",
      webhooks: { delivery: { url: "https://in.example.com/d" } },
    });
    expect(plain?.webhooks).not.toHaveProperty("seen");
    expect(withFailover).toMatchObject({
      failover: [{ sender: "385910000009" }],
      webhooks: { seen: { url: "https://in.example.com/s" } },
    });
  });

  it("leave what the caller set", async () => {
    const { client, send } = rig(defaults);
    const webhooks = {
      delivery: { url: "https://own.example.com", intermediateReport: true },
      callbackData: "c",
    };
    await send({ messages: [message([{ to: "1" }], { sender: "Own", webhooks })] });
    expect(client.bodies[0]?.messages?.[0]).toMatchObject({ sender: "Own", webhooks });
  });

  it.each([
    [undefined, undefined],
    [{}, { trackingUrl: "https://in.example.com/c" }],
    [{ trackingUrl: "" }, { trackingUrl: "https://in.example.com/c" }],
    [
      { customDomain: "d.example.com" },
      { customDomain: "d.example.com", trackingUrl: "https://in.example.com/c" },
    ],
    [{ trackingUrl: "https://own.example.com" }, { trackingUrl: "https://own.example.com" }],
    [{ shortenUrl: false }, { shortenUrl: false }],
    [{ trackClicks: false }, { trackClicks: false }],
  ])("fill the click URL into requests that track clicks and name none: %j", async (tracking, expected) => {
    const { client, send } = rig(defaults);
    await send({ messages: [message([{ to: "1" }])], ...(tracking && { options: { tracking } }) });
    expect(client.bodies[0]?.options?.tracking).toEqual(expected);
  });

  it("leave the caller's seen reports and fill their URL only where it is missing", async () => {
    const { client, send } = rig(defaults);
    const content = { body: { type: "TEXT", text: "x" } };
    const seenAs = (seen: object | undefined) => ({
      channel: "WHATSAPP",
      destinations: [{ to: "1" }],
      content,
      webhooks: { delivery: { url: "" }, ...(seen ? { seen } : {}) },
    });
    await send({ messages: [{ url: "https://own.example.com" }, {}, { url: "" }, undefined].map(seenAs) });
    const delivery = { url: "https://in.example.com/d" };
    const filled = { delivery, seen: { url: "https://in.example.com/s" } };
    expect(client.bodies[0]?.messages?.map((m) => m.webhooks)).toEqual([
      { delivery, seen: { url: "https://own.example.com" } },
      filled,
      filled,
      filled,
    ]);
  });

  it("add nothing when nothing is configured", async () => {
    const { client, send } = rig();
    const body = { messages: [message([{ to: "1", messageId: "m" }])] };
    await send(body);
    expect(client.bodies[0]).toEqual(body);
  });
});

describe("a value that JSON cannot express", () => {
  it("is REQUEST_INVALID with its field path, and nothing is sent", async () => {
    const { client, service } = rig();
    const broken = create(SendMessagesRequestSchema, {
      messages: [
        {
          kind: {
            case: "message",
            value: {
              channel: Channel.SMS,
              content: {
                body: { type: { case: "location", value: { latitude: Number.NaN, longitude: 1 } } },
              },
            },
          },
        },
      ],
    });
    await expect(service.sendMessages(broken, plainCall())).rejects.toMatchObject({
      reason: "REQUEST_INVALID",
      violations: [{ field: "messages[0].message.content.body.location.latitude" }],
    });
    expect(client.bodies).toEqual([]);
  });
});
