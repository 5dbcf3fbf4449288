import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { type SubscribeRequest, SubscribeRequestSchema } from "../gen/infobip/events/v1/subscribe_pb.js";
import { DEFAULT_FLEET_LIMITS } from "../src/fleet/fleet-options.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { Feed } from "./fixtures/feed.ts";
import { ownerAndCaller } from "./fixtures/fleet-pair.ts";
import { startedFrame } from "./fixtures/scripted-unit.ts";
import { describeNats, type NatsServer, startNatsServer } from "./nats-server.ts";

const { subscribe } = EventsService.method;
const UNIT = "subscription.orders";
const FRAME_CHARS = 1_000;
const FRAMES = 20_000;
/** What a stream that nobody reads may have under way: its window, and one part over. */
const MOST_BYTES = DEFAULT_FLEET_LIMITS.minWindowBytes + DEFAULT_FLEET_LIMITS.maxPartBytes;

describeNats("back-pressure between processes", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("a client that does not read stops the method in the other process", async () => {
    const frame = startedFrame("f".repeat(FRAME_CHARS));
    let made = 0;
    await using rig = await ownerAndCaller({
      url: server.url,
      unit: UNIT,
      script: {
        bidi: async function* () {
          for (made = 0; made < FRAMES; made++) yield frame;
        },
      },
    });
    const responses = rig.caller.bidi(UNIT, subscribe, new Feed<SubscribeRequest>(), plainCall());
    const reader = responses[Symbol.asyncIterator]();
    expect((await reader.next()).done).toBe(false);
    const stoppedAt = await standsStill(() => made);
    expect(stoppedAt * frame.length).toBeLessThan(MOST_BYTES);
    let read = 1;
    while ((await reader.next()).done !== true) read++;
    expect(read).toBe(FRAMES);
  });

  test("one stream that is not read holds up no other", async () => {
    const frame = startedFrame("f".repeat(FRAME_CHARS));
    await using rig = await ownerAndCaller({
      url: server.url,
      unit: UNIT,
      script: {
        bidi: async function* () {
          for (let made = 0; made < 2_000; made++) yield frame;
        },
      },
    });
    const open = () => rig.caller.bidi(UNIT, subscribe, new Feed<SubscribeRequest>(), plainCall());
    const stuck = Array.from({ length: 20 }, () => open()[Symbol.asyncIterator]());
    await Promise.all(stuck.map((stream) => stream.next()));
    let read = 0;
    for await (const _ of open()) read++;
    expect(read).toBe(2_000);
    await Promise.all(stuck.map((stream) => stream.return?.()));
  });

  test("a method that does not read stops the client's frames", async () => {
    const go = Promise.withResolvers<void>();
    let handled = 0;
    await using rig = await ownerAndCaller({
      url: server.url,
      unit: UNIT,
      script: {
        bidi: async function* (requests) {
          yield startedFrame("up");
          await go.promise;
          for await (const _ of requests) handled++;
        },
      },
    });
    const feed = new Feed<SubscribeRequest>();
    const request = create(SubscribeRequestSchema, {
      frame: { case: "ack", value: { eventIds: ["e".repeat(FRAME_CHARS)] } },
    });
    feed.push(...Array<SubscribeRequest>(FRAMES).fill(request));
    feed.end();
    const reader = rig.caller.bidi(UNIT, subscribe, feed, plainCall())[Symbol.asyncIterator]();
    expect((await reader.next()).done).toBe(false);
    const stoppedAt = await standsStill(() => feed.taken);
    expect(stoppedAt * FRAME_CHARS).toBeLessThan(MOST_BYTES);
    go.resolve();
    expect((await reader.next()).done).toBe(true);
    expect(handled).toBe(FRAMES);
  });

  test("streams past the memory for all of them are refused", async () => {
    await using rig = await ownerAndCaller({
      url: server.url,
      unit: UNIT,
      limits: { maxBufferedBytes: 3 * DEFAULT_FLEET_LIMITS.minWindowBytes },
      script: {
        bidi: async function* (_requests, context) {
          yield startedFrame("up");
          await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
        },
      },
    });
    const open = () => rig.caller.bidi(UNIT, subscribe, new Feed<SubscribeRequest>(), plainCall());
    const streams = [open(), open(), open()].map((stream) => stream[Symbol.asyncIterator]());
    await Promise.all(streams.map((stream) => stream.next()));
    const fourth = open()[Symbol.asyncIterator]();
    await expect(fourth.next()).rejects.toMatchObject({ reason: "OVERLOADED" });
    await streams[0]?.return?.();
    await vi.waitFor(() => expect(rig.owner.state().callsIn).toBe(2));
    const next = open()[Symbol.asyncIterator]();
    expect((await next.next()).done).toBe(false);
    await Promise.all([...streams, next].map((stream) => stream.return?.()));
  });
});

/** The value once it has not changed over many turns and several heartbeats. */
async function standsStill(value: () => number): Promise<number> {
  let last = -1;
  let same = 0;
  await vi.waitFor(
    () => {
      same = value() === last ? same + 1 : 0;
      last = value();
      if (same < 10) throw new Error("it still moves");
    },
    { timeout: 10_000, interval: 30 },
  );
  return last;
}
