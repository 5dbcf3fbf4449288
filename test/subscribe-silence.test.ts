import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { type SubscribeRequest, SubscribeRequestSchema } from "../gen/infobip/events/v1/subscribe_pb.js";
import { connectEvents, type EventsClient } from "./crash/events-client.ts";
import { sampleEvents } from "./event-log-samples.ts";
import { Feed } from "./fixtures/feed.ts";
import { SubscriptionRig } from "./fixtures/subscription-rig.ts";

type FrameInit = NonNullable<MessageInitShape<typeof SubscribeRequestSchema>["frame"]>;

const NAME = "subscriptions/orders";
const request = (frame: FrameInit) => create(SubscribeRequestSchema, { frame });
const START = request({ case: "start", value: { subscription: NAME } });

let rig: SubscriptionRig;
let client: EventsClient;
beforeEach(async () => {
  rig = await SubscriptionRig.start();
  client = connectEvents(rig.rig.grpcAddress);
  await rig.log.append(sampleEvents(1, 2));
  await createFrom(NAME);
});
afterEach(async () => {
  client[Symbol.dispose]();
  await rig[Symbol.asyncDispose]();
});

async function createFrom(name: string): Promise<void> {
  await client.events.createSubscription({
    subscription: { name },
    from: { case: "start", value: StartPosition.EARLIEST },
  });
}

const settledTo = async () => (await rig.engine.progress("orders")).settledTo;

describe("what says nothing acknowledges nothing", () => {
  it.each<[string, FrameInit]>([
    ["an ack that names no event", { case: "ack", value: {} }],
    ["a ping", { case: "ping", value: {} }],
  ])("%s", async (_name, frame) => {
    const requests = new Feed<SubscribeRequest>().push(START);
    let held = 0;
    for await (const { frame: answer } of client.events.subscribe(requests)) {
      if (answer.case === "ackResult")
        expect(answer.value).toMatchObject({ acked: 0, nacked: 0, failures: [] });
      if (answer.case !== "events") continue;
      held += answer.value.events.length;
      if (held === 2) requests.push(request(frame)).end();
    }
    expect(await settledTo()).toBe(0);
    const { events } = await client.events.pullEvents({ subscription: NAME });
    expect(events.map(({ attempt }) => attempt)).toEqual([1, 1]);
  });

  it("a frame of no kind, which ends the session", async () => {
    const requests = new Feed<SubscribeRequest>().push(START);
    const read = async () => {
      for await (const { frame } of client.events.subscribe(requests))
        if (frame.case === "started") requests.push(create(SubscribeRequestSchema, {}));
    };
    await expect(read()).rejects.toMatchObject({ code: Code.InvalidArgument });
    expect(await settledTo()).toBe(0);
  });
});

it("what one reads or acknowledges stays there for everyone else", async () => {
  await createFrom("subscriptions/copies");
  const first = await client.events.pullEvents({ subscription: NAME });
  const eventIds = first.events.map(({ event }) => event?.id ?? "");
  await client.events.acknowledgeEvents({
    subscription: NAME,
    sessionId: first.sessionId,
    ack: { eventIds },
  });
  expect(await settledTo()).toBe(2);
  const second = await client.events.pullEvents({ subscription: "subscriptions/copies" });
  expect(second.events.map(({ event }) => event?.id)).toEqual(eventIds);
  expect(rig.log.bounds()).toMatchObject({ earliest: 0, head: 2 });
});
