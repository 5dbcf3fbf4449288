import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type DescMessage, equals, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DeliveryResultSchema } from "../gen/infobip/events/v1/delivery_report_pb.js";
import { MoEventSchema } from "../gen/infobip/events/v1/inbound_message_pb.js";
import { SeenResultSchema } from "../gen/infobip/events/v1/seen_report_pb.js";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { isParsedObject, transcode } from "../src/infobip/codec/transcode.ts";
import { transcodePlanOf } from "../src/infobip/codec/transcode-plan.ts";
import { TranscodeWriter } from "../src/infobip/codec/transcode-writer.ts";
import { arbitraryDeliveryReport, arbitrarySeenReport } from "./fixtures/arbitrary-report.ts";
import { deliveryReport } from "./fixtures/webhook-target.ts";

const writer = new TranscodeWriter();

/** The transcoded bytes; undefined when it is not taken. */
function transcoded(schema: DescMessage, json: unknown): Uint8Array | undefined {
  const plan = transcodePlanOf(schema);
  if (!plan || !isParsedObject(json)) return undefined;
  writer.reset(Number.POSITIVE_INFINITY);
  return transcode(plan, json, writer) ? writer.copy() : undefined;
}

/** True when it was taken; then the bytes must read as the message that decodeRest gives. */
function isTakenAndEqual(schema: DescMessage, json: unknown): boolean {
  const bytes = transcoded(schema, json);
  if (bytes === undefined) return false;
  const message: Message = fromBinary(schema, bytes);
  const expected: Message = decodeRest(schema, json).message;
  expect(message.$unknown).toBeUndefined();
  if (!equals(schema, message, expected)) expect(message).toEqual(expected);
  // Also the bytes are those of any protobuf encoder: fields in order, lengths no longer than needed.
  expect(Buffer.from(bytes).equals(toBinary(schema, expected))).toBe(true);
  return true;
}

const KINDS = [
  ["delivery report", DeliveryResultSchema, arbitraryDeliveryReport],
  ["seen report", SeenResultSchema, arbitrarySeenReport],
] as const;

describe.each(KINDS)("a %s", (_, schema, arbitrary) => {
  test("with members of their types is taken and gives the message of decodeRest", () => {
    fc.assert(
      fc.property(arbitrary(false), (json) => {
        fc.pre(isWellFormed(json));
        expect(isTakenAndEqual(schema, json)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  test("with anything else in it is refused or gives the message of decodeRest", () => {
    let taken = 0;
    fc.assert(
      fc.property(arbitrary(true), (json) => {
        if (isTakenAndEqual(schema, json)) taken++;
      }),
      { numRuns: 1_500 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  test("of any JSON is refused or gives the message of decodeRest", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (json) => {
        isTakenAndEqual(schema, JSON.parse(JSON.stringify(json)));
      }),
    );
  });
});

function isWellFormed(json: unknown): boolean {
  if (typeof json === "string") return json.isWellFormed();
  return typeof json !== "object" || json === null || Object.values(json).every(isWellFormed);
}

test.each<[string, Record<string, unknown>]>([
  ["a number for text", { sender: 385 }],
  ["text for a number", { messageCount: "1" }],
  ["a fraction", { messageCount: 1.5 }],
  ["a number above 32 bits", { mccMnc: 2 ** 31 }],
  ["text for a boolean", { error: { permanent: "false" } }],
  ["a number for an enum", { channel: 7 }],
  ["a list for a message", { status: [] }],
  ["text for a message", { platform: "web" }],
  ["half a surrogate", { callbackData: "a\ud800" }],
  ["half a surrogate in a nested message", { status: { description: `${"é".repeat(90)}\udc00` } }],
  ["half a surrogate in an unknown channel", { channel: "\udfff" }],
])("%s is refused", (_, changes) => {
  expect(transcoded(DeliveryResultSchema, deliveryReport())).toBeDefined();
  expect(transcoded(DeliveryResultSchema, deliveryReport(changes))).toBeUndefined();
});

test("what an object inherits is no member, and such an object is refused", () => {
  expect(transcoded(SeenResultSchema, Object.create({ messageId: "m" }))).toBeUndefined();
  const status = Object.assign(Object.create({ id: 5 }), { groupId: 3 });
  expect(transcoded(DeliveryResultSchema, { status })).toBeUndefined();
});

test.each([MoEventSchema, SendMessagesRequestSchema])("$name has no plan: it needs decodeRest", (schema) => {
  expect(transcodePlanOf(schema)).toBeUndefined();
});

/** Infobip's published bodies: beside the checkout, not part of it. */
const EXAMPLES = new URL("../../shared/contract/examples/", import.meta.url);
const paths = existsSync(EXAMPLES)
  ? readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".json"))
  : [];

test("published bodies: every object in them is refused or gives the message of decodeRest", () => {
  const taken = new Set<string>();
  for (const path of paths) {
    for (const json of objectsIn(JSON.parse(readFileSync(new URL(path, EXAMPLES), "utf8")))) {
      for (const [, schema] of KINDS) {
        if (isTakenAndEqual(schema, json)) taken.add(`${path} ${schema.name}`);
      }
    }
  }
  if (paths.length === 0) return;
  expect([...taken]).toContain(
    "responses/get-messages-api-1-reports-200-delivery-report.json DeliveryResult",
  );
  expect([...taken].some((one) => /seen.* SeenResult$/.test(one))).toBe(true);
});

function* objectsIn(json: unknown): Generator<unknown> {
  if (typeof json !== "object" || json === null) return;
  if (!Array.isArray(json)) yield json;
  for (const value of Object.values(json)) yield* objectsIn(value);
}
