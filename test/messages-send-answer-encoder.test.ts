import { create, fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SendAnswerSchema } from "../gen/infobip/events/v1/send_answer_pb.js";
import { MessageGeneralStatus } from "../gen/infobip/messages/v1/response_pb.js";
import { SendOutcome, SendResultSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { SendAnswerEncoder } from "../src/messages/send-answer-encoder.ts";

const text = fc.constantFrom(undefined, "a", "b");
const number = fc.constantFrom(undefined, 1, 5, -1);
const status = fc.record({
  groupId: number,
  groupName: fc.constantFrom(MessageGeneralStatus.PENDING, MessageGeneralStatus.REJECTED),
  unrecognizedGroupName: text,
  id: number,
  name: text,
  description: text,
  action: text,
});
const answer = fc.record({
  outcome: fc.constantFrom(SendOutcome.SENT, SendOutcome.NOT_SENT),
  status: fc.option(status, { nil: undefined }),
  details: fc.constantFrom(undefined, undefined, { a: 1 }),
  errorReason: fc.constantFrom(undefined, undefined, "X"),
});

/** One answer, and another that differs from it in one place. */
const pair = fc.tuple(answer, answer, status).chain(([first, other, otherStatus]) =>
  fc
    .constantFrom(
      { ...first, outcome: other.outcome },
      { ...first, status: other.status },
      { ...first, details: other.details },
      { ...first, errorReason: other.errorReason },
      ...Object.entries(otherStatus).map(([key, value]) => ({
        ...first,
        status: { groupName: MessageGeneralStatus.PENDING, ...first.status, [key]: value },
      })),
    )
    .map((second) => [first, second, first] as const),
);

test("every answer is encoded as it is, whatever came before it", () => {
  fc.assert(
    fc.property(pair, (answers) => {
      const encoder = new SendAnswerEncoder();
      for (const { errorReason, ...rest } of answers) {
        const result = create(SendResultSchema, { ...rest, messageId: "m" } as object);
        const expected = create(SendAnswerSchema, { ...rest, errorReason } as object);
        expect(fromBinary(SendAnswerSchema, encoder.encode(result, errorReason))).toEqual(expected);
      }
    }),
    { numRuns: 1000 },
  );
});
