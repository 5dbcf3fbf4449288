import { timestampMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { startServiceRig } from "./fixtures/service-rig.ts";
import { watchUntil } from "./fixtures/watch-until.ts";

const CLICKS = {
  from: { case: "start" as const, value: StartPosition.EARLIEST },
  filter: { types: [EventType.CLICK] },
};

test("clicks on a tracked message come back as events, without the caller naming a URL", async () => {
  await using rig = await startServiceRig({ simulator: { behaviours: () => "click" } });
  const before = Date.now();
  const request = {
    messages: [
      {
        channel: "SMS",
        sender: "ShopDesk",
        destinations: [{ to: "385910000000" }],
        content: { body: { type: "TEXT", text: "see https://shop.example.com/spring" } },
        webhooks: { callbackData: "order 17" },
        options: { platform: { applicationId: "web", entityId: "shop" } },
      },
    ],
    options: { tracking: { shortenUrl: true } },
  };
  const { results } = await rig.messages.sendMessages(decodeRest(SendMessagesRequestSchema, request).message);
  const [event] = await watchUntil(rig.events, CLICKS, (events) => events.length > 0);
  expect(event).toMatchObject({
    type: EventType.CLICK,
    messageId: results[0]?.messageId,
    destination: "385910000000",
    callbackData: "order 17",
    applicationId: "web",
    entityId: "shop",
    payload: { case: "click", value: { url: "https://shop.example.com/spring" } },
  });
  // The simulator's clock may run faster than ours, never behind it.
  expect(event?.occurTime && timestampMs(event.occurTime)).toBeGreaterThanOrEqual(before);
});
