import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import {
  type SubscribeRequest,
  SubscribeRequestSchema,
  type SubscribeResponse,
} from "../gen/infobip/events/v1/subscribe_pb.js";
import { BlockedReason } from "../gen/infobip/events/v1/subscription_pb.js";
import { sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { Feed } from "./fixtures/feed.ts";
import { SubscriptionRig } from "./fixtures/subscription-rig.ts";
import { type CallOptions, CLIENTS, failure, type TestClient } from "./server-clients.ts";

const HTTP2 = CLIENTS.filter(([name]) => !name.endsWith("HTTP/1.1"));
const NAME = "subscriptions/orders";
type FrameInit = NonNullable<MessageInitShape<typeof SubscribeRequestSchema>["frame"]>;

/** One consumer on a stream. */
class Consumer {
  readonly requests = new Feed<SubscribeRequest>();
  readonly #answers: AsyncIterator<SubscribeResponse>;

  constructor(client: TestClient, options: CallOptions = {}, maxOutstanding = 1_000) {
    this.send({ case: "start", value: { subscription: NAME, maxOutstanding } });
    this.#answers = client.subscribe(this.requests, options)[Symbol.asyncIterator]();
  }

  send(frame: FrameInit): void {
    this.requests.push(create(SubscribeRequestSchema, { frame }));
  }

  ack(...eventIds: string[]): void {
    this.send({ case: "ack", value: { eventIds } });
  }

  async next(): Promise<SubscribeResponse["frame"] | undefined> {
    const { done, value } = await this.#answers.next();
    return done ? undefined : value.frame;
  }

  async until<C extends NonNullable<SubscribeResponse["frame"]["case"]>>(kind: C) {
    while (true) {
      const frame = await this.next();
      if (frame === undefined) throw new Error(`the stream ended before ${kind}`);
      if (frame.case === kind)
        return frame.value as Extract<SubscribeResponse["frame"], { case: C }>["value"];
    }
  }

  /** Ids and attempts of the next events, this many. */
  async events(count: number): Promise<string[]> {
    const seen: string[] = [];
    while (seen.length < count)
      for (const { event, attempt } of (await this.until("events")).events)
        seen.push(`${event?.id} ${attempt}`);
    return seen;
  }
}

let rig: SubscriptionRig;
beforeEach(async () => {
  rig = await SubscriptionRig.start();
  await rig.client.createSubscription({
    subscription: { name: NAME, minBackoff: durationFromMs(0), maxBackoff: durationFromMs(0) },
    from: { case: "start", value: StartPosition.EARLIEST },
  });
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

const status = async () => (await rig.client.getSubscription({ name: NAME })).subscription?.status;

describe.each(HTTP2)("%s", (_name, makeClient) => {
  let client: TestClient;
  beforeEach(() => {
    client = makeClient(rig.rig);
  });
  afterEach(() => client[Symbol.dispose]());

  it("delivers what is stored and what comes, and remembers what was acknowledged", async () => {
    await rig.log.append(sampleEvents(1, 300));
    const consumer = new Consumer(client);
    const stored = await consumer.events(300);
    expect(stored).toEqual(Array.from({ length: 300 }, (_, n) => `e-${n + 1} 1`));
    await rig.log.append([sampleEvent(301)]);
    expect(await consumer.events(1)).toEqual(["e-301 1"]);
    consumer.ack("e-1", "e-1", "nope");
    expect(await consumer.until("ackResult")).toMatchObject({
      acked: 1,
      failures: [{}, { eventId: "nope" }],
    });
    consumer.ack(...Array.from({ length: 300 }, (_, n) => `e-${n + 2}`));
    expect(await consumer.until("ackResult")).toMatchObject({ acked: 300, failures: [] });
    consumer.send({ case: "ping", value: {} });
    expect(await consumer.until("progress")).toMatchObject({ lagEvents: 0n, inFlight: 0 });
    consumer.requests.end();
    while ((await consumer.next()) !== undefined);
    expect(await status()).toMatchObject({ consumers: 0, lagEvents: 0n });
  });

  it("gives back what a consumer that closes its side has not acknowledged, and counts nothing", async () => {
    await rig.log.append(sampleEvents(1, 2));
    const first = new Consumer(client);
    await first.events(2);
    first.ack("e-1");
    first.requests.end();
    expect((await first.until("ackResult"))?.acked).toBe(1);
    expect(await first.next()).toBeUndefined();
    expect(await new Consumer(client).events(1)).toEqual(["e-2 1"]);
  });

  it("counts an attempt for a consumer that breaks off", async () => {
    await rig.log.append([sampleEvent(1)]);
    const controller = new AbortController();
    const first = new Consumer(client, { signal: controller.signal });
    await first.events(1);
    controller.abort();
    expect((await failure(first.until("progress"))).code).toBe("Canceled");
    expect(await new Consumer(client).events(1)).toEqual(["e-1 2"]);
  });

  it("counts nothing for a consumer whose deadline has passed", async () => {
    await rig.log.append([sampleEvent(1)]);
    const first = new Consumer(client, { timeoutMs: 1_000 });
    await first.events(1);
    expect((await failure(first.until("draining"))).code).toBe("DeadlineExceeded");
    expect(await new Consumer(client).events(1)).toEqual(["e-1 1"]);
  });

  it("ends with the drain, after the acknowledgements", async () => {
    await rig.log.append(sampleEvents(1, 2));
    const consumer = new Consumer(client);
    await consumer.events(2);
    rig.draining.abort();
    await consumer.until("draining");
    consumer.ack("e-1");
    expect((await consumer.until("ackResult"))?.acked).toBe(1);
    consumer.requests.end();
    expect(await consumer.next()).toBeUndefined();
    expect((await rig.engine.progress("orders")).settledTo).toBe(1);
  });

  it("shares the events among consumers and keeps each within its bounds", async () => {
    const consumers = [new Consumer(client, {}, 2), new Consumer(client, {}, 2)];
    await Promise.all(consumers.map((consumer) => consumer.until("progress")));
    await rig.log.append(sampleEvents(1, 4));
    const seen = await Promise.all(consumers.map((consumer) => consumer.events(2)));
    expect(seen.flat().sort()).toEqual(["e-1 1", "e-2 1", "e-3 1", "e-4 1"]);
    await rig.log.append([sampleEvent(5)]);
    consumers[0]?.send({ case: "ping", value: {} });
    expect((await consumers[0]?.until("progress"))?.blocked).toBe(BlockedReason.MAX_OUTSTANDING);
  });
});

it("serves consumers without streams, in JSON over HTTP/1.1", async () => {
  const { client } = rig;
  const waiting = client.pullEvents({ subscription: NAME, wait: durationFromMs(20_000), clientId: "job" });
  await rig.log.append(sampleEvents(1, 3));
  const first = await waiting;
  const rest = await client.pullEvents({ subscription: NAME, sessionId: first.sessionId });
  const events = [...first.events, ...rest.events];
  expect(events.map(({ event }) => event?.id)).toEqual(["e-1", "e-2", "e-3"]);
  const { result } = await client.acknowledgeEvents({
    subscription: NAME,
    sessionId: first.sessionId,
    ack: { throughCursor: events[1]?.event?.cursor ?? "" },
    nacks: [{ eventIds: ["e-3"], delay: durationFromMs(0) }],
    closeSession: true,
  });
  expect(result).toMatchObject({ acked: 2, nacked: 1, failures: [] });
  const again = await client.pullEvents({ subscription: NAME, wait: durationFromMs(20_000) });
  expect(again.events.map(({ event, attempt }) => [event?.id, attempt])).toEqual([["e-3", 2]]);
  const gone = failure(client.pullEvents({ subscription: NAME, sessionId: first.sessionId }));
  expect(await gone).toMatchObject({ code: "FailedPrecondition", info: { reason: "SESSION_EXPIRED" } });
});

it("buries what fails too often, and delivers it again when it is told to", async () => {
  const { client } = rig;
  await client.updateSubscription({ subscription: { name: NAME, maxAttempts: 1 } });
  await rig.log.append([sampleEvent(1)]);
  const { sessionId } = await client.pullEvents({ subscription: NAME, wait: durationFromMs(20_000) });
  await client.acknowledgeEvents({ subscription: NAME, sessionId, nacks: [{ eventIds: ["e-1"] }] });
  const { deadLetters } = await client.listDeadLetters({ parent: NAME, includeRawBody: true });
  expect(deadLetters).toMatchObject([{ name: `${NAME}/deadLetters/1`, attempts: 1, event: { id: "e-1" } }]);
  expect(
    (await client.redriveDeadLetters({ parent: NAME, names: [deadLetters[0]?.name ?? ""] })).redriven,
  ).toBe(1);
  const again = await client.pullEvents({ subscription: NAME, sessionId, wait: durationFromMs(20_000) });
  expect(again.events).toMatchObject([{ attempt: 1, event: { id: "e-1" } }]);
});

it("gives the events of a pull that was cut off to the next one at once", async () => {
  const { client } = rig;
  const controller = new AbortController();
  const cut = failure(
    client.pullEvents({ subscription: NAME, wait: durationFromMs(20_000) }, { signal: controller.signal }),
  );
  await expect.poll(async () => (await status())?.consumers).toBe(1);
  controller.abort();
  expect((await cut).code).toBe("Canceled");
  await expect.poll(async () => (await status())?.consumers).toBe(0);
  await rig.log.append([sampleEvent(1)]);
  const { events } = await client.pullEvents({ subscription: NAME, wait: durationFromMs(20_000) });
  expect(events).toMatchObject([{ attempt: 1 }]);
});
