import { afterEach, beforeEach, expect, it } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { MessageState } from "../gen/infobip/events/v1/history_pb.js";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { SendMessagesRequestSchema, SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";
import { watchUntil } from "./fixtures/watch-until.ts";

let rig: ServiceRig;
beforeEach(async () => {
  rig = await startServiceRig({
    simulator: { behaviours: ({ to }) => (to === "1" ? "reportBeforeResponse" : "rejected") },
  });
});
afterEach(() => rig[Symbol.asyncDispose]());

function send(...destinations: object[]) {
  const content = { body: { type: "TEXT", text: "x" } };
  const messages = [{ channel: "SMS", sender: "ShopDesk", destinations, content }];
  return rig.messages.sendMessages(decodeRest(SendMessagesRequestSchema, { messages }).message);
}

it("what was sent can be looked up, listed, and watched from the list on", async () => {
  const { results } = await send({ to: "1", messageId: "one" });
  expect(results).toMatchObject([{ outcome: SendOutcome.SENT }]);
  await rig.simulator.idle();
  const message = await rig.events.getMessage({ messageId: "one" });
  expect(message).toMatchObject({ state: MessageState.DELIVERED, final: true });
  expect(new Set(message.timeline.map(({ type }) => type))).toEqual(
    new Set([EventType.SEND_RESULT, EventType.DELIVERY_REPORT]),
  );
  const sent = message.timeline.find(({ type }) => type === EventType.SEND_RESULT);
  expect(sent).toMatchObject({ superseded: true, payload: { value: { outcome: SendOutcome.SENT } } });

  const list = await rig.events.listEvents({ filter: { messageIds: ["one"] } });
  expect(list.events).toEqual(message.timeline);
  await send({ to: "1", messageId: "two" });
  const after = await watchUntil(rig.events, { from: { case: "cursor", value: list.cursor } }, (events) =>
    events.some(({ final }) => final),
  );
  expect(new Set(after.map(({ messageId }) => messageId))).toEqual(new Set(["two"]));
  expect(await rig.events.getEventLog({})).toMatchObject({ writable: true });
});

it("a message that Infobip refuses is final at once", async () => {
  await send({ to: "2", messageId: "refused" });
  expect(await rig.events.getMessage({ messageId: "refused" })).toMatchObject({
    state: MessageState.REJECTED,
    final: true,
    statusEvent: { type: EventType.SEND_RESULT, destination: "2" },
  });
  const [event] = await watchUntil(
    rig.events,
    { from: { case: "start", value: StartPosition.EARLIEST }, filter: { finalOnly: true } },
    (events) => events.length > 0,
  );
  expect(event).toMatchObject({ messageId: "refused", type: EventType.SEND_RESULT });
});

it("a message that nobody knows is NOT_FOUND", async () => {
  await expect(rig.events.getMessage({ messageId: "nobody" })).rejects.toMatchObject({ code: 5 });
});
