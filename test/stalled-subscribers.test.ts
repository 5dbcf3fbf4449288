import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type ServiceProcess, startService } from "../bench/service-process.ts";
import { openWatchers, type Watchers } from "../bench/watchers.ts";
import { WatchEventsRequestSchema } from "../gen/infobip/events/v1/events_service_pb.js";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { SubscribeRequestSchema } from "../gen/infobip/events/v1/subscribe_pb.js";
import { connectEvents, type EventsClient } from "./crash/events-client.ts";
import { openRawStream, type RawStream, startDeafness } from "./fixtures/raw-stream.ts";
import { SubscribeConsumer } from "./fixtures/subscribe-consumer.ts";
import { bodyOf, deliveryReport } from "./fixtures/webhook-target.ts";

/** Subscribers that read what they are sent. */
const HEALTHY = 100;
/** Subscribers that do not. One would do; this many show what a byte kept for each would cost. */
const STALLED = 60;
/** Webhooks whose way to all healthy subscribers is timed, and the events of each. */
const TIMED = 25;
const EVENTS = 10;
/** Webhooks and their events by which memory would grow. */
const BULK = 10;
const BULK_EVENTS = 100;
/** Characters of the callback data: makes an event some 2 KB, the bulk 2 MB, and what the stalled miss of it 120 MB. */
const CALLBACK = "x".repeat(1_500);
/** Most that resident memory may grow by the bulk, for everything together. */
const MAX_GROWTH_MIB = 40;
/** How much longer an event may take beside the stalled, medians compared. */
const MAX_SLOWDOWN = 5;
const NAME = "subscriptions/shared";
/** Most events that one consumer of the subscription holds. */
const OUTSTANDING = 50;

let service: ServiceProcess;
let watchers: Watchers;
let client: EventsClient;
let posted: number;
beforeEach(async () => {
  posted = 0;
  service = await startService();
  watchers = await openWatchers(service.grpc, HEALTHY);
  client = connectEvents(service.grpc);
});
afterEach(async () => {
  client[Symbol.dispose]();
  await watchers[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

/** Reports events of as many messages, and waits until all healthy subscribers have them. */
async function report(events: number): Promise<number> {
  const items = Array.from({ length: events }, () =>
    deliveryReport({ messageId: `message-${posted++}`, callbackData: CALLBACK }),
  );
  const begin = performance.now();
  const answer = await fetch(service.webhookUrl("delivery"), { method: "POST", body: bodyOf(...items) });
  expect(answer.status).toBe(200);
  await watchers.seen(posted);
  return performance.now() - begin;
}

async function median(webhooks: number): Promise<number> {
  const times: number[] = [];
  while (times.length < webhooks) times.push(await report(EVENTS));
  return times.toSorted((a, b) => a - b)[Math.floor(webhooks / 2)] ?? Number.NaN;
}

const watchRequest = create(WatchEventsRequestSchema, {});
const start = create(SubscribeRequestSchema, {
  frame: {
    case: "start",
    value: { subscription: NAME, maxOutstanding: OUTSTANDING, lease: { seconds: 600n } },
  },
});

it("subscribers that read nothing cost the others no time and the service no memory", {
  timeout: 90_000,
}, async () => {
  await client.events.createSubscription({
    subscription: { name: NAME },
    from: { case: "start", value: StartPosition.EARLIEST },
  });
  const consumer = new SubscribeConsumer(client.events, NAME);
  await median(TIMED);
  const before = await median(TIMED);

  const stalled: RawStream[] = [];
  await using deafness = await startDeafness(service.grpc);
  try {
    for (let n = 0; n < STALLED; n++) {
      const address = n % 2 === 0 ? service.grpc : deafness.address;
      stalled.push(await openRawStream(address, "WatchEvents", WatchEventsRequestSchema, watchRequest));
    }
    stalled.push(await openRawStream(service.grpc, "Subscribe", SubscribeRequestSchema, start));
    deafness.stopReading();
    // Fills what the stalled have of windows and buffers, and the service's own ring of recent events.
    for (let n = 0; n < BULK; n++) await report(BULK_EVENTS);
    const resident = service.residentMiB();
    for (let n = 0; n < BULK; n++) await report(BULK_EVENTS);
    const growth = service.residentMiB() - resident;
    const beside = await median(TIMED);

    expect(growth).toBeLessThan(MAX_GROWTH_MIB);
    expect(beside / before).toBeLessThan(MAX_SLOWDOWN);
    const held = await consumer.untilAcknowledged(posted - OUTSTANDING);
    expect(new Set(held).size).toBe(held.length);
    const { subscription } = await client.events.getSubscription({ name: NAME });
    expect(subscription?.status?.inFlight).toBeLessThanOrEqual(OUTSTANDING);
  } finally {
    for (const stream of stalled) stream[Symbol.dispose]();
  }
  // What the stalled consumer held goes to the other one once it is gone.
  const all = await consumer.untilAcknowledged(posted);
  expect(all).toHaveLength(posted);
  await consumer.close();
});
