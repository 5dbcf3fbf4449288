import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  MessageGeneralStatus,
  type MessageStatus,
  MessageStatusSchema,
} from "../gen/infobip/messages/v1/response_pb.js";
import {
  SendMessagesResponseSchema,
  SendOutcome,
  type SendResult,
  SendResultSchema,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import {
  StreamMessagesResponseSchema,
  type StreamResult,
  StreamResultSchema,
} from "../gen/infobip/messages/v1/stream_messages_pb.js";
import { ServiceError } from "../src/errors.ts";
import { HeldResults, MAX_FRAME_BYTES } from "../src/messages/stream-held-results.ts";
import { StreamResultEncoder } from "../src/messages/stream-result-encoder.ts";
import { toRpcStatus } from "../src/rpc/rpc-status.ts";

const text = fc.string({ unit: "binary", maxLength: 40 });
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const index = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 31 - 1 }));

const status: fc.Arbitrary<MessageStatus> = fc
  .record(
    {
      groupId: int32,
      groupName: fc.constantFrom(
        ...Object.values(MessageGeneralStatus).filter((one) => typeof one === "number"),
      ),
      id: int32,
      name: text,
      description: text,
    },
    { requiredKeys: [] },
  )
  .map((init) => create(MessageStatusSchema, init));

const result: fc.Arbitrary<SendResult> = fc
  .record(
    {
      messageIndex: index,
      destinationIndex: index,
      messageId: text,
      destination: text,
      status,
      outcome: fc.constantFrom(SendOutcome.SENT, SendOutcome.NOT_SENT, SendOutcome.UNKNOWN),
      details: fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ maxLength: 5 }), { maxKeys: 2 }),
    },
    { requiredKeys: ["messageIndex", "destinationIndex", "messageId", "outcome"] },
  )
  .map((init) => create(SendResultSchema, init));

const streamResult: fc.Arbitrary<StreamResult> = fc
  .record({
    clientRef: fc.string({ unit: "binary", minLength: 1, maxLength: 40 }),
    bulkId: fc.option(text, { nil: undefined }),
    results: fc.array(result, { maxLength: 5 }),
  })
  .map(({ clientRef, bulkId, results }) =>
    create(StreamResultSchema, {
      clientRef,
      outcome: { case: "response", value: create(SendMessagesResponseSchema, { bulkId, results }) },
    }),
  );

it("encodes answers as the protobuf library does", () => {
  const encoder = new StreamResultEncoder();
  fc.assert(
    fc.property(fc.array(streamResult, { minLength: 1, maxLength: 6 }), (all) => {
      const held = new HeldResults();
      for (const { clientRef, outcome } of all) {
        if (outcome.case === "response") held.add(encoder.response(clientRef, outcome.value));
      }
      const frame = create(StreamMessagesResponseSchema, {
        frame: { case: "results", value: { results: all } },
      });
      expect(held.takeFrame()).toEqual(Buffer.from(toBinary(StreamMessagesResponseSchema, frame)));
      expect([held.count, held.bytes, held.takeFrame()]).toEqual([0, 0, undefined]);
    }),
    { numRuns: 500 },
  );
});

it("encodes errors as the protobuf library does, also one after the other", () => {
  const encoder = new StreamResultEncoder();
  const errors = ["a", "a", "b"].map(
    (value) => new ServiceError(Code.Unavailable, "DRAINING", value, { metadata: { outcome: "NOT_SENT" } }),
  );
  for (const error of [...errors, ...errors]) {
    const held = new HeldResults();
    held.add(encoder.error("ref", error));
    const decoded = fromBinary(StreamMessagesResponseSchema, Uint8Array.from(held.takeFrame() ?? []));
    const results = [{ clientRef: "ref", outcome: { case: "error" as const, value: toRpcStatus(error) } }];
    expect(decoded).toEqual(
      create(StreamMessagesResponseSchema, { frame: { case: "results", value: { results } } }),
    );
  }
});

it("encodes an answer with as many destinations as a request can have", () => {
  const results = Array.from({ length: 10_000 }, (_, n) =>
    create(SendResultSchema, {
      messageIndex: n,
      messageId: `id-${n}`,
      destination: "385915550123",
      outcome: 1,
    }),
  );
  const held = new HeldResults();
  const value = create(SendMessagesResponseSchema, { bulkId: "bulk", results });
  const encoder = new StreamResultEncoder();
  held.add(encoder.response("first", value));
  expect(held.bytes).toBeGreaterThan(MAX_FRAME_BYTES);
  held.add(encoder.response("second", create(SendMessagesResponseSchema, { bulkId: "next" })));
  const frames = [held.takeFrame(), held.takeFrame()].map((bytes) =>
    fromBinary(StreamMessagesResponseSchema, bytes ?? new Uint8Array(0)),
  );
  expect(frames[0]?.frame.value).toMatchObject({
    results: [{ clientRef: "first", outcome: { case: "response", value } }],
  });
  expect(frames[1]?.frame.value).toMatchObject({ results: [{ clientRef: "second" }] });
});

it("leaves out details that cannot be encoded, and nothing else", () => {
  let details: Record<string, never> = {};
  for (let depth = 0; depth < 100_000; depth++) details = { a: details } as unknown as Record<string, never>;
  const broken = create(SendResultSchema, { messageId: "id", outcome: SendOutcome.SENT });
  broken.details = details;
  const held = new HeldResults();
  held.add(
    new StreamResultEncoder().response("ref", create(SendMessagesResponseSchema, { results: [broken] })),
  );
  const { frame } = fromBinary(StreamMessagesResponseSchema, Uint8Array.from(held.takeFrame() ?? []));
  expect(frame.value).toMatchObject({
    results: [{ outcome: { value: { results: [{ messageId: "id", outcome: SendOutcome.SENT }] } } }],
  });
});
