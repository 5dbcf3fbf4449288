import { expect } from "vitest";
import { EventType } from "../../gen/infobip/events/v1/event_pb.js";
import { Channel } from "../../gen/infobip/messages/v1/channel_pb.js";
import { type ServiceRig, startServiceRig } from "../fixtures/service-rig.ts";
import type { Sandbox } from "./sandbox.ts";

/** A recipient to whom the simulator delivers. */
const RECIPIENT = "385910000001";

/** A service at the addresses that pages name, with a simulator and one message that was delivered. */
export async function givenService(sandbox: Sandbox, messageId = "a-message"): Promise<ServiceRig> {
  const rig = await startServiceRig({
    flags: {
      "--grpc-listen": sandbox.address("50051"),
      "--http-listen": sandbox.address("8080"),
      "--admin-listen": sandbox.address("9464"),
    },
  });
  await sendOne(rig, messageId);
  const stored = () =>
    rig.events.listEvents({ filter: { types: [EventType.DELIVERY_REPORT], finalOnly: true } });
  await expect.poll(async () => (await stored()).events.length, { timeout: 10_000, interval: 20 }).toBe(1);
  return rig;
}

/** Sends a text message. */
export async function sendOne(rig: ServiceRig, messageId: string): Promise<void> {
  const message = {
    channel: Channel.SMS,
    sender: "ShopDesk",
    destinations: [{ kind: { case: "toDestination" as const, value: { to: RECIPIENT, messageId } } }],
    content: { body: { type: { case: "text" as const, value: { text: "Your parcel is on its way." } } } },
  };
  await rig.messages.sendMessages({ messages: [{ kind: { case: "message", value: message } }] });
}
