import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { MessageResponseSchema } from "../gen/infobip/messages/v1/response_pb.js";
import { SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { matchAnswers } from "../src/infobip/sending/match-answers.ts";
import { matchResults } from "../src/messages/match-results.ts";

const STATUS = { groupId: 1, id: 26 };

function match(ids: readonly string[], messages: MessageInitShape<typeof MessageResponseSchema>["messages"]) {
  const slots = ids.map((messageId, destinationIndex) => ({ messageIndex: 0, destinationIndex, messageId }));
  const response = create(MessageResponseSchema, { messages: messages ?? [] });
  return matchResults(slots, matchAnswers(response, [ids])[0] ?? []);
}

test("an answer that belongs to another destination by its id is not taken by place", () => {
  const results = match(
    ["a", "b"],
    [
      { messageId: "b", destination: "2", status: STATUS },
      { messageId: "other", destination: "3", status: STATUS },
    ],
  );
  expect(results.map((r) => [r.messageId, r.destination, r.outcome])).toEqual([
    ["a", undefined, SendOutcome.UNKNOWN],
    ["b", "2", SendOutcome.SENT],
  ]);
});

test("of several answers with one id the first counts, and the others belong to nobody", () => {
  const results = match(
    ["a", "b"],
    [
      { messageId: "a", destination: "1", status: STATUS },
      { messageId: "a", destination: "2", status: STATUS },
    ],
  );
  expect(results.map((r) => [r.messageId, r.destination, r.outcome])).toEqual([
    ["a", "1", SendOutcome.SENT],
    ["b", undefined, SendOutcome.UNKNOWN],
  ]);
});

test("the place counts for nothing when the number of answers differs", () => {
  const results = match(["a", "b"], [{ messageId: "x", destination: "1", status: STATUS }]);
  expect(results.map((r) => r.outcome)).toEqual([SendOutcome.UNKNOWN, SendOutcome.UNKNOWN]);
});
