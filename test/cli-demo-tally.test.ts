import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { EventSchema, EventType } from "../gen/infobip/events/v1/event_pb.js";
import { SendOutcome, SendResultSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { demoMessages } from "../src/cli/demo/demo-plan.ts";
import { DemoTally } from "../src/cli/demo/demo-tally.ts";

const MESSAGE = "demo-0002";
const result = create(SendResultSchema, { messageId: MESSAGE, outcome: SendOutcome.SENT });
const delivered = create(EventSchema, {
  id: "e-1",
  type: EventType.DELIVERY_REPORT,
  messageId: MESSAGE,
  final: true,
  payload: { case: "deliveryReport", value: { status: { groupId: 3 } } },
});
const seen = create(EventSchema, { id: "e-2", type: EventType.SEEN_REPORT, messageId: MESSAGE });

test("a message is settled by its answer, its final report and its seen report, in any order", () => {
  const messages = demoMessages(2).filter(({ messageId }) => messageId === MESSAGE);
  expect(messages).toEqual([expect.objectContaining({ isSeen: true })]);
  const tally = new DemoTally(messages);
  expect(tally.missing()).toEqual([{ messageId: MESSAGE, what: "answer to the send" }]);
  tally.addEvent(seen);
  tally.addResult(result);
  expect(tally.missing()).toEqual([{ messageId: MESSAGE, what: "final delivery report" }]);
  tally.addEvent(delivered);
  expect(tally.isComplete).toBe(true);
  expect(tally.funnel()).toMatchObject({
    requested: 1,
    accepted: 1,
    final: 1,
    delivered: 1,
    seen: 1,
    answered: 0,
  });

  const unseen = new DemoTally(messages);
  unseen.addResult(result);
  unseen.addEvent(delivered);
  expect(unseen.isComplete).toBe(false);
  expect(unseen.missing()).toEqual([{ messageId: MESSAGE, what: "seen report" }]);
});

test("a report that is not final settles nothing, and an event that comes twice is counted", () => {
  const tally = new DemoTally(demoMessages(2));
  tally.addResult(result);
  tally.addEvent(create(EventSchema, { ...delivered, final: false }));
  expect(tally.finalCount).toBe(0);
  tally.addEvent(delivered);
  expect(tally.finalCount).toBe(1);
  expect(tally.repeated).toBe(1);
});

test("what was recorded of the send, and clicks, settle nothing, though a refusal is final", () => {
  const tally = new DemoTally(demoMessages(2).filter(({ messageId }) => messageId === MESSAGE));
  const sendResult = create(EventSchema, {
    id: "e-3",
    type: EventType.SEND_RESULT,
    messageId: MESSAGE,
    final: true,
    payload: { case: "sendResult", value: { outcome: SendOutcome.NOT_SENT } },
  });
  tally.addEvent(sendResult);
  tally.addEvent(create(EventSchema, { id: "e-4", type: EventType.CLICK, messageId: MESSAGE }));
  expect(tally.missing()).toEqual([{ messageId: MESSAGE, what: "answer to the send" }]);
  expect(tally).toMatchObject({ finalCount: 0, events: 2, repeated: 0 });
});
