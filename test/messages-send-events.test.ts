import { expect, test } from "vitest";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { SendEventsRequestSchema } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { messagesRig } from "./fixtures/messages-rig.ts";

test("events leave with message ids, which the client is told and the results carry", async () => {
  const { client, queue, service } = messagesRig();
  const typing = (...destinations: object[]) => ({
    event: "TYPING_STARTED",
    channel: "WHATSAPP",
    sender: "1",
    destinations,
  });
  const events = [typing({ to: "1" }, { to: "2", messageId: "mine" }), typing({ to: "3" })];
  const { message } = decodeRest(SendEventsRequestSchema, { events });
  const response = await service.sendEvents(message, { ...plainCall(), peer: "c7" });
  expect(client.bodies[0]?.events?.flatMap((e) => e.destinations.map((d) => d.messageId))).toEqual([
    "new-1",
    "mine",
    "new-2",
  ]);
  expect(client.options[0]?.messageIds).toEqual(["new-1", "mine", "new-2"]);
  expect(response.results.map((r) => [r.messageIndex, r.destinationIndex, r.messageId])).toEqual([
    [0, 0, "new-1"],
    [0, 1, "mine"],
    [1, 0, "new-2"],
  ]);
  expect(queue.jobs).toMatchObject([
    { channels: [{ channel: Channel.WHATSAPP, destinations: 3 }], coalesce: false, flow: "unary c7" },
  ]);
  expect(client.options[0]?.fieldPath?.("events[0].sender")).toBe("events[0].typing_started.sender");
});
