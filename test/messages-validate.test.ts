import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  MessageViolationSource,
  ValidateMessagesRequestSchema,
} from "../gen/infobip/messages/v1/messages_service_pb.js";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { messagesRig } from "./fixtures/messages-rig.ts";

function rig() {
  const { client, service } = messagesRig();
  const check = (body: unknown, localOnly?: boolean) => {
    const { message } = decodeRest(SendMessagesRequestSchema, body);
    const request = create(ValidateMessagesRequestSchema, {
      ...message,
      $typeName: undefined,
      localOnly,
    } as never);
    return service.validateMessages(request, plainCall());
  };
  return { client, check };
}

function sms(text: unknown, options?: object) {
  const body = text === undefined ? { type: "TEXT" } : { type: "TEXT", text };
  return { messages: [{ channel: "SMS", destinations: [{ to: "1" }], content: { body }, options }] };
}

describe("ValidateMessages", () => {
  it("answers with local violations and does not ask Infobip", async () => {
    const { client, check } = rig();
    const answer = await check(sms(undefined, { validityPeriod: { amount: 9, timeUnit: "SECONDS" } }));
    expect(answer.valid).toBe(false);
    expect(answer.violations.map((v) => [v.field, v.property, v.source])).toEqual([
      [
        "messages[0].message.content.body.text.text",
        "messages[0].content.body.text",
        MessageViolationSource.LOCAL,
      ],
      [
        "messages[0].message.options.validity_period",
        "messages[0].options.validityPeriod",
        MessageViolationSource.LOCAL,
      ],
    ]);
    expect(client.bodies).toEqual([]);
  });

  it("asks nobody with local_only", async () => {
    const { client, check } = rig();
    expect((await check(sms("x"), true)).valid).toBe(true);
    expect(client.bodies).toEqual([]);
  });

  it("asks Infobip when local_only is false", async () => {
    const { client, check } = rig();
    expect((await check(sms("x"), false)).description).toBe("d");
    expect(client.bodies).toHaveLength(1);
  });

  it("says how many violations were left out, of its own and of Infobip's", async () => {
    const { client, check } = rig();
    const { messages } = sms(undefined);
    const own = await check({ messages: Array.from({ length: 130 }, () => messages[0]) });
    expect(own.violations).toHaveLength(100);
    expect(own.description).toMatch(/not asked\. Left out: 30 more violations\.$/);
    client.refuse("messages", "no");
    client.validation = { ...client.validation, leftOut: { violations: 7, skippableViolations: 2 } };
    const theirs = await check(sms("x"));
    expect(theirs.description).toBe("d Left out: 7 more violations. Left out: 2 more skippable violations.");
  });

  it("maps Infobip's violations to fields", async () => {
    const { client, check } = rig();
    client.refuse("messages[0].content.body.text", "no");
    const answer = await check(sms("x"));
    expect(client.bodies).toHaveLength(1);
    expect(answer.valid).toBe(false);
    expect(answer.violations).toMatchObject([
      {
        field: "messages[0].message.content.body.text.text",
        property: "messages[0].content.body.text",
        description: "no",
        source: MessageViolationSource.UPSTREAM,
      },
    ]);
  });

  it("sends the request as it would be sent, without ids", async () => {
    const { client, check } = rig();
    expect((await check(sms("x"))).valid).toBe(true);
    expect(client.bodies[0]).toEqual({
      messages: [
        { channel: "SMS", destinations: [{ to: "1" }], content: { body: { text: "x", type: "TEXT" } } },
      ],
    });
  });
});
