import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { SubmitMessagesRequestSchema } from "../gen/infobip/messages/v1/submission_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { derivedMessageIds } from "../src/messages/derived-message-id.ts";
import { hashOfSend, payloadHash } from "../src/messages/payload-hash.ts";
import { arbitraryMessage } from "./fixtures/arbitrary-message.ts";

type Init = MessageInitShape<typeof SendMessagesRequestSchema>;

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const hashOf = (init: Init) => hex(hashOfSend(create(SendMessagesRequestSchema, init)));

function rest(message: object) {
  return decodeRest(SendMessagesRequestSchema, { messages: [message] }).message;
}

/** A message with free JSON in it. */
function flow(data: object) {
  const action = { type: "NAVIGATE", payload: { screen: "s", data } };
  return { channel: "WHATSAPP", content: { body: { type: "FLOW", action } } };
}

/** The same object with its keys the other way round, at every level. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}

describe("the hash of a request", () => {
  test("is that of its binary encoding without request_id and coalesce", () => {
    const options = { schedule: { bulkId: "b" } };
    const plain = hashOf({ options });
    expect(plain).toHaveLength(64);
    expect(hashOf({ options, requestId: "r", coalesce: false })).toBe(plain);
    expect(hashOf({ options: { schedule: { bulkId: "c" } } })).not.toBe(plain);
  });

  test("does not depend on the order of map entries and of members of free JSON", () => {
    const template = {
      channel: "WHATSAPP",
      template: { templateName: "t", language: "en" },
      content: { body: { type: "TEXT", b: "2", a: "1", c: "x" } },
    };
    for (const message of [template, flow({ b: [{ d: 1, c: 2 }], a: null })]) {
      const pair = [rest(message), rest(reversed(message) as object)];
      const [one, other] = pair.map((request) => hex(toBinary(SendMessagesRequestSchema, request)));
      expect(one).not.toBe(other);
      const [hash, otherHash] = pair.map((request) => hex(hashOfSend(request)));
      expect(otherHash).toBe(hash);
    }
    expect(hex(hashOfSend(rest(flow({ a: [1, 2] }))))).not.toBe(hex(hashOfSend(rest(flow({ a: [2, 1] })))));
  });

  test("tells an explicit default from a field that is not set", () => {
    const message = (sender: object) => rest({ channel: "SMS", ...sender });
    expect(hex(hashOfSend(message({ sender: "" })))).not.toBe(hex(hashOfSend(message({}))));
  });

  test("counts fields that this service does not know", () => {
    const unknown = new BinaryWriter().tag(900, WireType.LengthDelimited).string("later").finish();
    expect(hashOf({})).not.toBe(hex(hashOfSend(fromBinary(SendMessagesRequestSchema, unknown))));
  });

  test("is the same for a request that has gone over the wire, whatever it holds", () => {
    fc.assert(
      fc.property(arbitraryMessage(SubmitMessagesRequestSchema), (message) => {
        const bytes = toBinary(SubmitMessagesRequestSchema, message);
        const copy = fromBinary(SubmitMessagesRequestSchema, bytes);
        const hash = hex(payloadHash(SubmitMessagesRequestSchema, copy));
        expect(hex(payloadHash(SubmitMessagesRequestSchema, message))).toBe(hash);
        // Ordering changes no contents.
        expect(hex(payloadHash(SubmitMessagesRequestSchema, message))).toBe(hash);
      }),
      { numRuns: 200 },
    );
  });
});

describe("derived ids", () => {
  const ids = (scope: "send" | "submission", requestId: string, contents: number, count = 3) => {
    const next = derivedMessageIds(scope, requestId, new Uint8Array(32).fill(contents));
    return Array.from({ length: count }, () => next());
  };

  test("are what they always were: a repeat after an upgrade must not double the messages", () => {
    expect(ids("send", "order-7", 1)).toEqual([
      "af7b42d4-bbc5-8503-93f3-95f473a0e39d",
      "ea57f435-ef12-83ca-9704-e5d62e72bd0e",
      "8aa10556-860f-860c-8d14-fd6ad35a4668",
    ]);
  });

  test("differ by scope, request id, contents and position", () => {
    const all = [
      ...ids("send", "a", 1),
      ...ids("submission", "a", 1),
      ...ids("send", "b", 1),
      ...ids("send", "a", 2),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(
      all.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
    ).toBe(true);
  });
});
