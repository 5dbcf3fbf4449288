import { fromBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WatchEventsResponseSchema } from "../gen/infobip/events/v1/events_service_pb.js";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { eventFrames, MAX_FRAME_BYTES } from "../src/events/event-frames.ts";
import { READ_ALL, sampleEncoded, sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { WatchHarness } from "./watch-harness.ts";

describe("event frames of WatchEvents", () => {
  let harness: WatchHarness;

  beforeEach(async () => {
    harness = await WatchHarness.start();
  });

  afterEach(() => harness[Symbol.asyncDispose]());

  const earliest = { case: "start", value: StartPosition.EARLIEST } as const;

  it("hold complete events: cursor, sequence, record time, no raw body", async () => {
    await harness.log.append([sampleEvent(1)]);
    const client = harness.watch({ from: earliest });
    await client.expect("started");
    const { events } = await client.expect("events");
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ id: "e-1", messageId: "m-1", sequence: 1n, cursor: harness.cursor(1) });
    expect(events[0]?.recordTime?.seconds).toBe(1_000n);
    expect(events[0]?.rawBody).toBeUndefined();
    await client.leave();
  });

  it("hold the raw body when it is asked for, of old and of new events", async () => {
    await harness.log.append([sampleEvent(1)]);
    const client = harness.watch({ from: earliest, includeRawBody: true });
    await client.expect("started");
    const raws = async () =>
      (await client.expect("events")).events.map((e) => Buffer.from(e.rawBody ?? []).toString());
    expect(await raws()).toEqual(["raw 1"]);
    await client.expect("progress");
    const live = raws();
    await harness.log.append([sampleEvent(2)]);
    expect(await live).toEqual(["raw 2"]);
    await client.leave();
  });

  it("hold at most 256 events and 1 MiB; a larger event comes alone", async () => {
    const encoded = (n: number, size: number) => ({
      ...sampleEvent(n),
      encoded: sampleEncoded({ id: `e-${n}`, callbackData: "x".repeat(size) }),
    });
    await harness.log.append([
      encoded(1, 400_000),
      encoded(2, 400_000),
      encoded(3, 400_000),
      encoded(4, 2_000_000),
      encoded(5, 10),
      ...sampleEvents(6, 300),
    ]);
    const { records } = await harness.log.read(0, READ_ALL);
    const frames = [...eventFrames(records)];
    expect(frames.map((f) => f.lastSequence)).toEqual([2, 3, 4, 260, 300]);
    const decoded = frames.map((f) => fromBinary(WatchEventsResponseSchema, f.bytes).frame);
    expect(decoded.map((f) => (f.case === "events" ? f.value.events.length : 0))).toEqual([2, 1, 1, 256, 40]);
    const sizes = frames.filter((f) => f.lastSequence !== 4).map((f) => f.bytes.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_FRAME_BYTES + 8);

    const client = harness.watch({ from: earliest });
    await client.expect("started");
    const seen: number[] = [];
    while (seen.length < 300)
      seen.push(...(await client.expect("events")).events.map((e) => Number(e.sequence)));
    expect(seen).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    await client.leave();
  });
});
