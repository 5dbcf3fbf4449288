import { fromBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import type { StreamMessagesRequest } from "../gen/infobip/messages/v1/stream_messages_pb.js";
import {
  type CallerClients,
  type CallersRig,
  type Entry,
  failureOf,
  sms,
  startCallersRig,
} from "./callers-rig.ts";

const SCOPES = ["send", "submit"];
const CALLERS: readonly Entry[] = [
  { name: "narrow", scopes: SCOPES, channels: ["sms", "rcs"], senders: ["Shop"] },
  { name: "one-app", scopes: SCOPES, application_ids: ["app-1"], entity_ids: ["entity-1"] },
  { name: "two-apps", scopes: SCOPES, application_ids: ["app-1", "app-2"] },
  { name: "urls", scopes: SCOPES, webhook_urls: true },
  { name: "free", scopes: SCOPES },
  { name: "ops", scopes: ["admin"] },
];

type Body = { messages: ReturnType<typeof sms>[]; options?: object };
/** Every way on which messages leave; rejects as the call does, or as the result of the send says. */
const WAYS: Readonly<Record<string, (clients: CallerClients, body: Body) => Promise<unknown>>> = {
  SendMessages: ({ messages }, body) => messages.sendMessages(body),
  ValidateMessages: ({ messages }, body) => messages.validateMessages(body),
  "ValidateMessages, local_only": ({ messages }, body) =>
    messages.validateMessages({ ...body, localOnly: true }),
  SubmitMessages: ({ messages }, body) =>
    messages.submitMessages({ ...body, requestId: crypto.randomUUID() }),
};

let rig: CallersRig;
beforeAll(async () => {
  rig = await startCallersRig(CALLERS, { flags: { "--defaults-sender-sms": "Default" } });
});
afterAll(() => rig[Symbol.asyncDispose]());

const WAYS_AND_LISTENERS = Object.entries(WAYS).flatMap(([way, run]) =>
  (["grpc", "http"] as const).map((listener) => [way, listener, run] as const),
);

describe.each(WAYS_AND_LISTENERS)("%s over %s", (_way, listener, run) => {
  const refused = (name: string, body: Body) => failureOf(run(rig.as(name, listener), body));
  const NOT_SENT = { code: Code.PermissionDenied, outcome: "NOT_SENT" };

  test("channels", async () => {
    const failure = await refused("narrow", {
      messages: [sms({ sender: "Shop" }), sms({ channel: Channel.MMS, sender: "Shop" })],
    });
    expect(failure).toMatchObject({
      ...NOT_SENT,
      reason: "CHANNEL_FORBIDDEN",
      fields: ["messages[1].message.channel"],
    });
  });

  test("channels and senders of failover", async () => {
    const step = (channel: Channel, sender: string) => ({
      kind: { case: "failover", value: { channel, sender } } as const,
    });
    const byChannel = [Channel.SMS, Channel.VIBER_BM, Channel.RCS].map((channel) => ({
      channel,
      to: "41790000001",
    }));
    const destinations = [{ kind: { case: "channelsDestination", value: { byChannel } } }];
    const message = (failover: object[]) => ({ messages: [sms({ sender: "Shop", destinations, failover })] });
    expect(await refused("narrow", message([step(Channel.VIBER_BM, "Shop")]))).toMatchObject({
      reason: "CHANNEL_FORBIDDEN",
      fields: ["messages[0].message.failover[0].failover.channel"],
    });
    expect(await refused("narrow", message([step(Channel.RCS, "Desk")]))).toMatchObject({
      reason: "SENDER_FORBIDDEN",
      fields: ["messages[0].message.failover[0].failover.sender"],
    });
  });

  test("senders, also the service's default", async () => {
    expect(await refused("narrow", { messages: [sms()] })).toMatchObject({
      ...NOT_SENT,
      reason: "SENDER_FORBIDDEN",
      fields: ["messages[0].message.sender"],
    });
    expect(await refused("narrow", { messages: [sms({ sender: undefined })] })).toMatchObject({
      reason: "SENDER_FORBIDDEN",
      text: expect.stringContaining("default is none of them"),
    });
    expect(
      await refused("narrow", { messages: [sms({ sender: undefined, channel: Channel.RCS })] }),
    ).toMatchObject({
      reason: "SENDER_FORBIDDEN",
    });
  });

  test("applications and entities", async () => {
    const platform = (value: object) => ({ messages: [sms({ options: { platform: value } })] });
    expect(await refused("one-app", platform({ applicationId: "app-2", entityId: "other" }))).toMatchObject({
      ...NOT_SENT,
      reason: "PLATFORM_FORBIDDEN",
      fields: [
        "messages[0].message.options.platform.application_id",
        "messages[0].message.options.platform.entity_id",
      ],
    });
    expect(await refused("two-apps", { messages: [sms()] })).toMatchObject({
      reason: "PLATFORM_FORBIDDEN",
      fields: ["messages[0].message.options.platform.application_id"],
    });
    expect(await refused("two-apps", platform({ applicationId: "" }))).toMatchObject({
      reason: "PLATFORM_FORBIDDEN",
    });
    await run(rig.as("two-apps", listener), platform({ applicationId: "app-2", entityId: "any" }));
  });

  test("addresses that reports go to", async () => {
    const delivery = { messages: [sms({ webhooks: { delivery: { url: "https://elsewhere.example" } } })] };
    const seen = { messages: [sms({ webhooks: { seen: { url: "https://elsewhere.example" } } })] };
    const clicks = { messages: [sms()], options: { tracking: { trackingUrl: "https://elsewhere.example" } } };
    const forbidden = { ...NOT_SENT, reason: "WEBHOOK_URL_FORBIDDEN" };
    expect(await refused("free", delivery)).toMatchObject({
      ...forbidden,
      fields: ["messages[0].message.webhooks.delivery.url"],
    });
    expect(await refused("free", seen)).toMatchObject({
      ...forbidden,
      fields: ["messages[0].message.webhooks.seen.url"],
    });
    expect(await refused("free", clicks)).toMatchObject({
      ...forbidden,
      fields: ["options.tracking.tracking_url"],
    });
    await run(rig.as("urls", listener), delivery);
    await run(rig.as("ops", listener), delivery);
  });

  test("what is allowed goes through, and admin may do everything", async () => {
    await run(rig.as("narrow", listener), { messages: [sms({ sender: "Shop" })] });
    await run(rig.as("free", listener), { messages: [sms()] });
    await run(rig.as("ops", listener), { messages: [sms({ channel: Channel.RCS, sender: "Any" })] });
  });
});

test("the only application and entity are filled in, and leave with the message", async () => {
  const sender = "Filled";
  await rig.as("one-app").messages.sendMessages({
    messages: [sms({ sender }), sms({ sender, options: { platform: { applicationId: "app-1" } } })],
  });
  const request = rig.simulator.requests().find(({ body }) => body?.includes(sender));
  const platforms = JSON.parse(request?.body ?? "{}").messages.map(
    (each: { options: object }) => each.options,
  );
  expect(platforms).toEqual(Array(2).fill({ platform: { applicationId: "app-1", entityId: "entity-1" } }));
});

test("a default sender that is the caller's is filled in", async () => {
  await using other = await startCallersRig(CALLERS, { flags: { "--defaults-sender-sms": "Shop" } });
  await other.as("narrow").messages.sendMessages({ messages: [sms({ sender: undefined })] });
  const [request] = other.simulator.requests();
  expect(JSON.parse(request?.body ?? "{}").messages[0].sender).toBe("Shop");
});

test("the limits hold for typing indicators and seen marks", async () => {
  const typing = (value: object) => ({
    events: [
      {
        event: {
          case: "typingStarted",
          value: { channel: Channel.RCS, sender: "Shop", destinations: [{ to: "41790000001" }], ...value },
        } as const,
      },
    ],
  });
  const send = (name: string, value: object = {}) => rig.as(name).messages.sendEvents(typing(value) as never);
  const field = "events[0].typing_started";
  expect(await failureOf(send("narrow", { channel: Channel.APPLE_MB }))).toMatchObject({
    reason: "CHANNEL_FORBIDDEN",
    fields: [`${field}.channel`],
  });
  expect(await failureOf(send("narrow", { sender: "Desk" }))).toMatchObject({
    reason: "SENDER_FORBIDDEN",
    fields: [`${field}.sender`],
  });
  expect(await failureOf(send("two-apps"))).toMatchObject({
    reason: "PLATFORM_FORBIDDEN",
    fields: [`${field}.options.platform.application_id`],
  });
  await send("one-app");
  const request = rig.simulator.requests().find(({ endpoint }) => endpoint === "events");
  expect(JSON.parse(request?.body ?? "{}").events[0].options.platform).toEqual({
    applicationId: "app-1",
    entityId: "entity-1",
  });
});

test.each(["grpc", "http"] as const)(
  "each send of a stream over %s is checked by itself",
  async (listener) => {
    const bodies: Body[] = [
      { messages: [sms({ sender: "Shop" })] },
      { messages: [sms({ sender: "Desk" })] },
      { messages: [sms({ sender: "Shop", channel: Channel.MMS })] },
      { messages: [sms({ sender: "Shop", webhooks: { delivery: { url: "https://elsewhere.example" } } })] },
      { messages: [sms({ sender: "Shop" })] },
    ];
    const before = rig.simulator.stats().messages.accepted;
    expect(await streamed(rig.as("narrow", listener), bodies)).toEqual([
      "OK",
      "SENDER_FORBIDDEN",
      "CHANNEL_FORBIDDEN",
      "WEBHOOK_URL_FORBIDDEN",
      "OK",
    ]);
    expect(rig.simulator.stats().messages.accepted).toBe(before + 2);
  },
);

/** Reason of each send's result, in the order of the sends. */
async function streamed({ messages }: CallerClients, bodies: readonly Body[]): Promise<string[]> {
  async function* frames() {
    yield { frame: { case: "open", value: {} } } as const;
    for (const [index, request] of bodies.entries()) {
      yield { frame: { case: "send", value: { clientRef: String(index), request } } } as const;
    }
  }
  const reasons: string[] = [];
  for await (const { frame } of messages.streamMessages(frames() as AsyncIterable<StreamMessagesRequest>)) {
    if (frame.case !== "results") continue;
    for (const { clientRef, outcome } of frame.value.results) {
      const [detail] = outcome.case === "error" ? outcome.value.details : [];
      reasons[Number(clientRef)] =
        detail === undefined ? "OK" : fromBinary(ErrorInfoSchema, detail.value).reason;
    }
  }
  return reasons;
}
