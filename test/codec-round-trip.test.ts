import { type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { SendEventsRequestSchema } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { encodeRest } from "../src/infobip/codec/encode.ts";
import { type AnyMessage, type MemberPlan, planOf } from "../src/infobip/codec/plan.ts";
import { validate } from "../src/validation.ts";
import { REST_FIXTURES, readRestFixture } from "./fixtures/rest-roots.ts";

const REQUESTS: readonly DescMessage[] = [SendMessagesRequestSchema, SendEventsRequestSchema];

describe("REST to protobuf binary to REST", () => {
  it.each(REST_FIXTURES)("%s survives unchanged", (file, schema) => {
    const body = readRestFixture(file);
    const { message } = decodeRest(schema, body);
    const copy = fromBinary(schema, toBinary(schema, message));
    expect(JSON.parse(encodeRest(schema, copy))).toStrictEqual(body);
  });

  it.each(REST_FIXTURES.filter(([, schema]) => REQUESTS.includes(schema)))(
    "%s is read without an issue and keeps every rule",
    (file, schema) => {
      const { message, issues } = decodeRest(schema, readRestFixture(file));
      expect(issues).toEqual([]);
      expect(validate(schema, message)).toEqual([]);
    },
  );
});

/** Every reachable `Type.field` of the roots, unions and plain objects alike. */
function reachableFields(roots: readonly DescMessage[]): Set<string> {
  const seen = new Set<string>();
  const fields = new Set<string>();
  const queue = [...roots];
  for (let schema = queue.pop(); schema; schema = queue.pop()) {
    if (seen.has(schema.typeName)) continue;
    seen.add(schema.typeName);
    const plan = planOf(schema);
    const entries = plan.kind === "union" ? plan.variants : plan.members;
    for (const { field } of entries) {
      fields.add(`${schema.name}.${field.name}`);
      if (field.message && !field.message.typeName.startsWith("google.")) queue.push(field.message);
    }
  }
  return fields;
}

/** Removes from `missing` every field that the message sets, at any depth. */
function tickOff(schema: DescMessage, message: AnyMessage, missing: Set<string>): void {
  const plan = planOf(schema);
  if (plan.kind === "object") {
    for (const member of plan.members) tickOffMember(schema, member, message[member.name], missing);
    return;
  }
  const chosen = message[plan.name] as { case?: string; value?: AnyMessage };
  const variant = plan.byCase.get(chosen.case ?? "");
  if (!variant || !chosen.value) return;
  missing.delete(`${schema.name}.${variant.field.name}`);
  tickOff(variant.schema, chosen.value, missing);
}

function tickOffMember(schema: DescMessage, member: MemberPlan, value: unknown, missing: Set<string>): void {
  if (value === undefined || (typeof value === "object" && Object.keys(Object(value)).length === 0)) return;
  if (member.value.kind === "enum" && value === 0) return;
  missing.delete(`${schema.name}.${member.field.name}`);
  if (member.value.kind !== "message") return;
  for (const item of Array.isArray(value) ? value : [value])
    tickOff(member.value.schema, item as AnyMessage, missing);
}

describe("the fixtures", () => {
  it("set every field and every union member of the contract", () => {
    const missing = reachableFields(REST_FIXTURES.map(([, schema]) => schema));
    expect(missing.size).toBeGreaterThan(400);
    for (const [file, schema] of REST_FIXTURES) {
      tickOff(schema, decodeRest(schema, readRestFixture(file)).message as unknown as AnyMessage, missing);
    }
    expect([...missing]).toEqual([]);
  });
});
