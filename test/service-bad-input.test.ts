import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";
import { watchUntil } from "./fixtures/watch-until.ts";

let rig: ServiceRig;
beforeAll(async () => {
  rig = await startServiceRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

const PHONE = "385910000001";
const TEXT = "a private message";

function sms(more: object = {}): Record<string, unknown> {
  return {
    channel: "CHANNEL_SMS",
    sender: "ShopDesk",
    destinations: [{ toDestination: { to: PHONE } }],
    content: { body: { text: { text: TEXT } } },
    ...more,
  };
}

function post(body: string | object, contentType = "application/json"): Promise<Response> {
  return fetch(`http://${rig.addresses.http}/infobip.messages.v1.MessagesService/SendMessages`, {
    method: "POST",
    headers: { "content-type": contentType },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

interface ErrorBody {
  code: string;
  message: string;
  details?: { type: string; debug?: { reason?: string; fieldViolations?: { field: string }[] } }[];
}

/** Whatever came in, the service goes on: the next call works and nothing of the bad one was sent. */
afterEach(async () => {
  const before = rig.simulator.stats().requests.messages;
  const good = await post({ messages: [{ message: sms() }] });
  expect(good.status).toBe(200);
  expect(rig.simulator.stats().requests.messages).toBe(before + 1);
});

const FAILOVER_ONTO_SELF = sms({
  destinations: [{ channelsDestination: { byChannel: [{ channel: "CHANNEL_SMS", to: PHONE }] } }],
  failover: [{ failover: { channel: "CHANNEL_SMS", content: { body: { text: { text: TEXT } } } } }],
});

const INVALID: readonly (readonly [name: string, message: object, field: string])[] = [
  [
    "a message id of 201 characters",
    sms({ destinations: [{ toDestination: { to: PHONE, messageId: "x".repeat(201) } }] }),
    "messages[0].message.destinations[0].to_destination.message_id",
  ],
  [
    "a validity of 9 s",
    sms({ options: { validityPeriod: { amount: 9, timeUnit: "VALIDITY_PERIOD_TIME_UNIT_SECONDS" } } }),
    "messages[0].message.options.validity_period",
  ],
  ["no destination", sms({ destinations: [] }), "messages[0].message.destinations"],
  ["no channel", sms({ channel: "CHANNEL_UNSPECIFIED" }), "messages[0].message.channel"],
  ["failover onto the own channel", FAILOVER_ONTO_SELF, "messages[0].message"],
  ["a body of no kind", sms({ content: { body: {} } }), "messages[0].message.content.body.type"],
  ["a channel that only reports", sms({ channel: "CHANNEL_VOICE" }), "messages[0].message.channel"],
];

describe("a request that breaks a rule", () => {
  it.each(INVALID)("%s is REQUEST_INVALID with its field", async (_name, message, field) => {
    const sent = rig.simulator.stats().requests.messages;
    const response = await post({ messages: [{ message }] });
    const text = await response.text();
    const error = JSON.parse(text) as ErrorBody;
    expect([response.status, error.code]).toEqual([400, "invalid_argument"]);
    const debug = error.details?.map((detail) => detail.debug);
    expect(debug?.find((detail) => detail?.reason)?.reason).toBe("REQUEST_INVALID");
    expect(debug?.flatMap((detail) => detail?.fieldViolations ?? []).map((v) => v.field)).toContain(field);
    expect(text).not.toContain(PHONE);
    expect(text).not.toContain(TEXT);
    expect(rig.simulator.stats().requests.messages).toBe(sent);
  });
});

const UNREADABLE: readonly (readonly [name: string, body: string, status: number, reason: string])[] = [
  [
    "an unknown enum value",
    JSON.stringify({ messages: [{ message: sms({ channel: PHONE }) }] }),
    400,
    "REQUEST_INVALID",
  ],
  [
    "an unknown field",
    JSON.stringify({ messages: [{ message: sms({ [PHONE]: TEXT }) }] }),
    400,
    "REQUEST_INVALID",
  ],
  [
    "two members of a oneof",
    JSON.stringify({ messages: [{ message: sms(), templateMessage: { channel: "CHANNEL_RCS" } }] }),
    400,
    "REQUEST_INVALID",
  ],
  ["JSON that is cut off", `{"messages": [{"message": {"sender": "${PHONE}`, 400, "REQUEST_INVALID"],
  [
    "5 MiB",
    JSON.stringify({ messages: [{ message: sms({ sender: "x".repeat(5 * 1024 ** 2) }) }] }),
    429,
    "REQUEST_TOO_LARGE",
  ],
];

describe("a request that cannot be read", () => {
  it.each(UNREADABLE)("%s", async (_name, body, status, reason) => {
    const response = await post(body);
    const text = await response.text();
    expect(response.status, text).toBe(status);
    expect((JSON.parse(text) as ErrorBody).details?.[0]?.debug?.reason).toBe(reason);
    expect(text).not.toContain(PHONE);
    expect(text).not.toContain(TEXT);
  });

  it("of another content type is refused with 415", async () => {
    expect((await post("{}", "text/plain")).status).toBe(415);
  });

  it("of an unknown method is refused with 404", async () => {
    const response = await fetch(`http://${rig.addresses.http}/infobip.messages.v1.MessagesService/Nope`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    expect(response.status).toBe(404);
  });
});

/** Sends raw bytes and resolves when the other side has closed. */
function raw(address: string, bytes: Uint8Array): Promise<void> {
  const [host, port] = address.split(":");
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) }, () => socket.end(bytes));
    socket.on("data", () => {});
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}

describe("bytes that are no protocol", () => {
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  it.each([
    ["garbage", Buffer.from([0, 255, 1, 254, 13, 10, 13, 10])],
    ["a preface and then garbage", Buffer.concat([preface, Buffer.alloc(64, 0xff)])],
    ["half a preface", preface.subarray(0, 9)],
    ["nothing", Buffer.alloc(0)],
  ])("%s closes the connection and nothing else", async (_name, bytes) => {
    await raw(rig.addresses.grpc, bytes);
    await raw(rig.addresses.http, bytes);
    await raw(rig.addresses.webhook, bytes);
    expect(rig.service.state).toBe("RUNNING");
  });
});

describe("webhooks", () => {
  const report = {
    event: "DELIVERY",
    messageId: "good",
    status: { groupId: 3, id: 5 },
    doneAt: "2026-01-02T03:04:05.000+0000",
  };
  const deliver = (body: string, url = rig.webhookUrl("delivery")) =>
    fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });

  it.each([
    ["garbage", "\u0000\u0001garbage", 400],
    ["a bare number", "7", 400],
    ["nothing", "", 400],
    ["more than 10 MiB", `{"results": ["${"x".repeat(11 * 1024 ** 2)}"]}`, 413],
  ])("%s is refused", async (_name, body, status) => {
    const response = await deliver(body).catch(() => undefined);
    // A sender that is still writing when it is refused may see a reset instead of the answer.
    expect([status, undefined]).toContain(response?.status);
    if (status === 400) expect(response?.status).toBe(400);
  });

  it("with a wrong secret are not found", async () => {
    expect((await deliver("{}", rig.webhookUrl("delivery").replace(/.$/, "X"))).status).toBe(404);
  });

  it("keep the good items beside the bad ones", async () => {
    const response = await deliver(JSON.stringify({ results: [7, report, { status: "?" }] }));
    expect(response.status).toBe(200);
    const events = await watchUntil(
      rig.events,
      { from: { case: "start", value: StartPosition.EARLIEST }, filter: { messageIds: ["good"] } },
      (all) => all.length > 0,
    );
    expect(events[0]).toMatchObject({ messageId: "good", final: true });
  });
});
