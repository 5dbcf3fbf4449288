import { expect, test } from "vitest";
import { SendEventsRequestSchema } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { createMessagesService } from "../src/messages/messages-service.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { RecordingClient } from "./fixtures/recording-client.ts";

test("events leave with message ids, which the client is told and the results carry", async () => {
  const client = new RecordingClient();
  let count = 0;
  const service = createMessagesService({
    client,
    defaults: { senders: new Map(), webhookUrls: undefined },
    newMessageId: () => `new-${++count}`,
  });
  const typing = (...destinations: object[]) => ({
    event: "TYPING_STARTED",
    channel: "WHATSAPP",
    sender: "1",
    destinations,
  });
  const events = [typing({ to: "1" }, { to: "2", messageId: "mine" }), typing({ to: "3" })];
  const { message } = decodeRest(SendEventsRequestSchema, { events });
  const response = await service.sendEvents(message, plainCall());
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
  expect(client.options[0]?.fieldPath?.("events[0].sender")).toBe("events[0].typing_started.sender");
});
