import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { MessagesService, SendEventsRequestSchema } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { certainlyValid, compiledRulesOf } from "../src/validation/fast-accept.ts";
import { arbitraryMessage } from "./fixtures/arbitrary-message.ts";
import { REST_FIXTURES, readRestFixture } from "./fixtures/rest-roots.ts";
import { edgeMessage } from "./fixtures/rule-edge-message.ts";

const EXAMPLES = new URL("../../shared/contract/examples/", import.meta.url);
const SEED = 20_261_123;
const judge = createValidator();

const requests = [MessagesService, EventsService].flatMap((service) =>
  service.methods.map(({ input }) => input),
);
const types = reachable(requests);

const named = (schema: DescMessage) => [schema.typeName, schema] as const;

function reachable(roots: readonly DescMessage[]): DescMessage[] {
  const found = new Set<DescMessage>(roots);
  for (const desc of found) {
    for (const { message } of desc.fields)
      if (message && !message.typeName.startsWith("google.")) found.add(message);
  }
  return [...found];
}

function isValid(schema: DescMessage, message: Message): boolean {
  return judge.validate(schema, message).kind === "valid";
}

test.for(requests.map(named))("every rule of %s is compiled", ([, schema]) => {
  expect(compiledRulesOf(schema).unsupported).toEqual([]);
});

describe("at and around the bounds of its rules, a quick yes is protovalidate's yes, and misses none", () => {
  const seen = { valid: 0, invalid: 0 };

  it.for(types.map(named))("%s", ([, schema]) => {
    const agrees = (badness: number, oddTimes: boolean) =>
      fc.property(fc.gen(), (gen) => {
        const message = edgeMessage(schema, gen, { badness, oddTimes });
        const valid = isValid(schema, message);
        seen[valid ? "valid" : "invalid"]++;
        const quick = certainlyValid(schema, message);
        return quick === valid || (oddTimes && !quick);
      });
    for (const badness of [4, 25, 200]) {
      fc.assert(agrees(badness, false), { seed: SEED, numRuns: 30 });
      fc.assert(agrees(badness, true), { seed: SEED, numRuns: 5 });
    }
  });

  it("with enough of both", () => {
    expect(seen.valid).toBeGreaterThan(3_000);
    expect(seen.invalid).toBeGreaterThan(2_000);
  });
});

test("messages made without regard to the rules get a quick yes only when they keep them", () => {
  const message = arbitraryMessage(SendMessagesRequestSchema);
  const keeps = fc.property(
    message,
    (made) => !certainlyValid(SendMessagesRequestSchema, made) || isValid(SendMessagesRequestSchema, made),
  );
  fc.assert(keeps, { seed: SEED, numRuns: 300 });
});

describe("what is published and what the tests send gets the answer of protovalidate, quickly", () => {
  const bodies = [
    ...REST_FIXTURES.filter(([, { typeName }]) => /Send\w+Request$/.test(typeName)).map(
      ([file, schema]) => [file, schema, readRestFixture(file)] as const,
    ),
    ...published("send", SendMessagesRequestSchema),
    ...published("events", SendEventsRequestSchema),
  ];

  it.for(bodies)("%s", ([, schema, body]) => {
    const { message } = decodeRest(schema, body);
    expect(certainlyValid(schema, message)).toBe(isValid(schema, message));
  });
});

function published(folder: string, schema: DescMessage) {
  // Beside the checkout, not part of it; test/contract-examples.test.ts says so when they are missing.
  if (!existsSync(EXAMPLES)) return [];
  const files = readdirSync(new URL(`${folder}/`, EXAMPLES)).filter((name) => name.endsWith(".json"));
  return files.map((file) => {
    const body: unknown = JSON.parse(readFileSync(new URL(`${folder}/${file}`, EXAMPLES), "utf8"));
    return [`${folder}/${file}`, schema, body] as const;
  });
}
