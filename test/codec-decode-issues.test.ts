import { describe, expect, it } from "vitest";
import { DeliveryResultSchema } from "../gen/infobip/events/v1/delivery_report_pb.js";
import { InboundEventSchema } from "../gen/infobip/events/v1/inbound_message_pb.js";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";

function sms(content: unknown, more: object = {}) {
  return { messages: [{ channel: "SMS", destinations: [{ to: "1" }], content, ...more }] };
}

const CASES: readonly (readonly [name: string, body: unknown, property: string, kind: string])[] = [
  ["a body that is no object", [], "", "INVALID_VALUE"],
  [
    "an unknown property",
    { ...sms({ body: { type: "TEXT", text: "x" } }), extra: 1 },
    "extra",
    "UNKNOWN_PROPERTY",
  ],
  [
    "an unknown property of a variant",
    sms({ body: { type: "TEXT", text: "x", url: "u" } }),
    "messages[0].content.body.url",
    "UNKNOWN_PROPERTY",
  ],
  [
    "an unknown discriminator",
    sms({ body: { type: "HOLOGRAM" } }),
    "messages[0].content.body.type",
    "INVALID_VALUE",
  ],
  ["a missing discriminator", sms({ body: { text: "x" } }), "messages[0].content.body.type", "INVALID_VALUE"],
  [
    "an inherited name as discriminator",
    sms({ body: { type: "constructor" } }),
    "messages[0].content.body.type",
    "INVALID_VALUE",
  ],
  [
    "an unknown enum value",
    sms({ body: { type: "TEXT", text: "x" } }, { channel: "PIGEON" }),
    "messages[0].channel",
    "INVALID_VALUE",
  ],
  [
    "the unspecified enum value",
    sms({ body: { type: "TEXT", text: "x" } }, { channel: "UNSPECIFIED" }),
    "messages[0].channel",
    "INVALID_VALUE",
  ],
  ["text where a list is expected", { messages: "x" }, "messages", "INVALID_VALUE"],
  ["a null in a list", { messages: [null] }, "messages[0]", "INVALID_VALUE"],
  [
    "a fraction where an integer is expected",
    sms({ body: { type: "TEXT", text: "x" } }, { options: { validityPeriod: { amount: 1.5 } } }),
    "messages[0].options.validityPeriod.amount",
    "INVALID_VALUE",
  ],
  [
    "an integer of 33 bits",
    sms({ body: { type: "TEXT", text: "x" } }, { options: { validityPeriod: { amount: 2 ** 31 } } }),
    "messages[0].options.validityPeriod.amount",
    "INVALID_VALUE",
  ],
  [
    "a day that does not exist",
    { messages: [], options: { schedule: { sendAt: "2026-02-30T00:00:00.000+0000" } } },
    "options.schedule.sendAt",
    "INVALID_VALUE",
  ],
  [
    "a destination of neither kind",
    { messages: [{ channel: "SMS", destinations: [{ phone: "1" }] }] },
    "messages[0].destinations[0]",
    "INVALID_VALUE",
  ],
];

describe("decodeRest lists", () => {
  it.each(CASES)("%s", (_name, body, property, kind) => {
    const { issues } = decodeRest(SendMessagesRequestSchema, body);
    expect(issues.map((issue) => [issue.property, issue.kind])).toEqual([[property, kind]]);
  });

  it("never the value", () => {
    const secret = "385910000001 hello";
    const body = sms(
      { body: { type: secret } },
      { channel: secret, options: { validityPeriod: { amount: secret, timeUnit: secret } } },
    );
    const { issues } = decodeRest(SendMessagesRequestSchema, body);
    expect(issues).toHaveLength(4);
    expect(JSON.stringify(issues)).not.toContain("385910000001");
  });
});

describe("decodeRest of inbound items", () => {
  it("takes a number for an id and keeps an enum value it does not know", () => {
    const { message, issues } = decodeRest(DeliveryResultSchema, {
      messageId: 42,
      channel: "SMOKE",
      mccMnc: "21901",
    });
    expect(message).toMatchObject({
      messageId: "42",
      channel: 0,
      unrecognizedChannel: "SMOKE",
      mccMnc: 21901,
    });
    expect(issues).toHaveLength(3);
  });

  it("takes null as absent", () => {
    const { message, issues } = decodeRest(DeliveryResultSchema, { messageId: null, status: null });
    expect(message.messageId).toBeUndefined();
    expect(message.status).toBeUndefined();
    expect(issues).toEqual([]);
  });

  it("keeps a variant it does not know whole", () => {
    const body = { event: "TELEPATHY", x: { y: [1] } };
    const { message } = decodeRest(InboundEventSchema, body);
    expect(message.event.case).toBeUndefined();
    expect(message.unrecognized).toEqual(body);
  });

  it("keeps a placeholder named __proto__ as data", () => {
    const body: unknown = JSON.parse(
      '{"messages":[{"template":{},"content":{"body":{"type":"TEXT","__proto__":"x"}}}]}',
    );
    const { message } = decodeRest(SendMessagesRequestSchema, body);
    const [base] = message.messages;
    const content = base?.kind.case === "templateMessage" ? base.kind.value.content?.body?.type : undefined;
    const placeholders = content?.case === "text" ? content.value.placeholders : {};
    expect(Object.keys(placeholders)).toEqual(["__proto__"]);
  });

  it("goes no deeper than the types, however deep the body", () => {
    let json: unknown = {};
    for (let level = 0; level < 50_000; level++) json = { content: json, body: json };
    const { issues } = decodeRest(SendMessagesRequestSchema, { messages: [json] });
    expect(issues.length).toBeGreaterThan(0);
    expect(issues.length).toBeLessThan(20);
  });

  it.each([
    ["template", { channel: "SMS", template: null, content: { body: { type: "TEXT", text: "x" } } }],
    ["to", { channel: "SMS", destinations: [{ to: null, byChannel: [{ channel: "SMS", to: "1" }] }] }],
    ["url", { channel: "MMS", content: { body: { type: "MIXED", items: [{ url: null, text: "x" }] } } }],
    ["template of a failover step", { channel: "SMS", failover: [{ channel: "RCS", template: null }] }],
  ])("does not choose a variant by a %s that is null", (_name, message) => {
    const { message: request, issues } = decodeRest(SendMessagesRequestSchema, { messages: [message] });
    expect(issues).toEqual([]);
    const [base] = request.messages;
    expect(base?.kind.case).toBe("message");
    if (base?.kind.case !== "message") return;
    const { destinations, failover } = base.kind.value;
    for (const destination of destinations) expect(destination.kind.case).toBe("channelsDestination");
    for (const step of failover) expect(step.kind.case).toBe("failover");
  });
});
