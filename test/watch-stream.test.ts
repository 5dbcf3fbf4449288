import { getEventListeners } from "node:events";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OnExpired, StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import type { EventLog } from "../src/eventlog/event-log.ts";
import { sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { WatchHarness } from "./watch-harness.ts";

const EARLIEST = { case: "start", value: StartPosition.EARLIEST } as const;

describe("a WatchEvents stream", () => {
  let harness: WatchHarness;

  beforeEach(async () => {
    harness = await WatchHarness.start();
  });

  afterEach(() => harness[Symbol.asyncDispose]());

  it("passes every event once and in order while appends go on during the replay", async () => {
    await harness.log.append(sampleEvents(1, 500));
    const client = harness.watch({ from: EARLIEST });
    await client.expect("started");
    const seen: number[] = [];
    let appended = 500;
    while (seen.length < 2_000) {
      const adding =
        appended < 2_000 ? harness.log.append(sampleEvents(appended + 1, appended + 50)) : undefined;
      if (adding !== undefined) appended += 50;
      const frame = await client.next();
      if (frame?.case === "events") seen.push(...frame.value.events.map((e) => Number(e.sequence)));
      await adding;
    }
    expect(seen).toEqual(Array.from({ length: 2_000 }, (_, i) => i + 1));
    await client.leave();
  });

  it("serves two watchers with different filters and paces from one log", async () => {
    const all = harness.watch({ from: EARLIEST });
    const some = harness.watch({ from: EARLIEST, filter: { messageIds: ["m-2", "m-4"] } });
    await all.expect("started");
    await some.expect("started");
    const first = some.ids();
    await harness.log.append(sampleEvents(1, 3));
    expect(await first).toEqual(["m-2"]);
    await harness.log.append(sampleEvents(4, 5));
    expect(await some.ids()).toEqual(["m-4"]);
    expect(await all.ids()).toEqual(["m-1", "m-2", "m-3", "m-4", "m-5"]);
    await Promise.all([all.leave(), some.leave()]);
  });

  it("holds nothing while its client is slow, and goes on where it was", async () => {
    const slow = harness.watch({ from: EARLIEST });
    await slow.expect("started");
    for (let n = 0; n < 20; n++) await harness.log.append(sampleEvents(n * 250 + 1, n * 250 + 250));
    expect(slow.timer.size).toBe(0);
    const seen: number[] = [];
    while (seen.length < 5_000)
      seen.push(...(await slow.expect("events")).events.map((e) => Number(e.sequence)));
    expect(seen).toEqual(Array.from({ length: 5_000 }, (_, i) => i + 1));
    await slow.leave();
  });

  it("ends with CURSOR_EXPIRED when retention overtakes it", async () => {
    await harness.log.append(sampleEvents(1, 600));
    const slow = harness.watch({ from: EARLIEST });
    await slow.expect("started");
    expect(await slow.ids()).toHaveLength(256);
    await harness.embedded.removeThrough(400);
    await expect(slow.next()).rejects.toMatchObject({
      reason: "CURSOR_EXPIRED",
      metadata: { earliest_cursor: harness.cursor(400) },
    });
  });

  it("goes on behind a gap when retention overtakes it and the client wants that", async () => {
    await harness.log.append(sampleEvents(1, 600));
    const slow = harness.watch({ from: EARLIEST, onExpired: OnExpired.RESUME });
    await slow.expect("started");
    expect(await slow.ids()).toHaveLength(256);
    await harness.embedded.removeThrough(400);
    expect(await slow.expect("gap")).toMatchObject({
      fromCursor: harness.cursor(256),
      toCursor: harness.cursor(400),
    });
    expect((await slow.ids())[0]).toBe("m-401");
    await slow.leave();
  });

  it.each([
    ["the client cancels", undefined, "CANCELLED", Code.Canceled],
    [
      "its deadline passes",
      new ConnectError("late", Code.DeadlineExceeded),
      "DEADLINE_EXCEEDED",
      Code.DeadlineExceeded,
    ],
    ["the server stops it", new ConnectError("stop", Code.Unavailable), "DRAINING", Code.Unavailable],
  ])("ends mid-wait when %s, and leaves no timer or listener", async (_, reason, expected, code) => {
    const client = harness.watch();
    await client.expect("started");
    const next = client.next();
    await client.timer.idle();
    client.abort(reason);
    await expect(next).rejects.toMatchObject({ name: "ServiceError", reason: expected, code });
    expect(client.timer.size).toBe(0);
    expect(getEventListeners(client.signal, "abort")).toEqual([]);
    expect(await client.next()).toBeUndefined();
  });

  it("ends in the middle of a read that does not come back", async () => {
    await harness.log.append(sampleEvents(1, 3));
    const reading = Promise.withResolvers<void>();
    const stuck: Partial<EventLog> = {
      read: () => {
        reading.resolve();
        return new Promise(() => undefined);
      },
    };
    harness.log = Object.assign(forward(harness.embedded), stuck);
    const client = harness.watch({ from: EARLIEST });
    await client.expect("started");
    const next = client.next();
    await reading.promise;
    client.abort();
    await expect(next).rejects.toMatchObject({ reason: "CANCELLED" });
    expect(getEventListeners(client.signal, "abort")).toEqual([]);
  });

  it("ends between two frames when the client has cancelled", async () => {
    await harness.log.append(sampleEvents(1, 600));
    const client = harness.watch({ from: EARLIEST });
    await client.expect("started");
    await client.ids();
    client.abort();
    await expect(client.next()).rejects.toMatchObject({ reason: "CANCELLED" });
  });

  it("leaves nothing when it is dropped between two frames", async () => {
    const client = harness.watch();
    await client.expect("started");
    const next = client.next();
    await client.timer.idle();
    await harness.log.append([sampleEvent(1)]);
    await next;
    expect(client.timer.size).toBe(0);
    expect(getEventListeners(client.signal, "abort")).toEqual([]);
    await client.leave();
    expect(await client.next()).toBeUndefined();
  });

  it("tells a waiting client that the service drains, and ends cleanly", async () => {
    const client = harness.watch();
    await client.expect("started");
    const next = client.expect("draining");
    await client.timer.idle();
    harness.draining.abort();
    expect((await next).stopTime).toMatchObject({ seconds: 123n, nanos: 0 });
    expect(await client.next()).toBeUndefined();
    expect(client.timer.size).toBe(0);
  });

  it("tells a client in the middle of its replay that the service drains", async () => {
    await harness.log.append(sampleEvents(1, 600));
    const client = harness.watch({ from: EARLIEST });
    await client.expect("started");
    await client.ids();
    harness.draining.abort();
    await client.expect("draining");
    expect(await client.next()).toBeUndefined();
  });

  it("is refused while the service drains", async () => {
    harness.draining.abort();
    await expect(harness.watch().next()).rejects.toMatchObject({
      reason: "DRAINING",
      code: Code.Unavailable,
    });
  });

  it("lets others have their turn between the reads of a long replay", async () => {
    await harness.log.append(sampleEvents(1, 5_000));
    const client = harness.watch({ from: EARLIEST, filter: { messageIds: ["m-5000"] } });
    await client.expect("started");
    let turns = 0;
    let running = true;
    const count = (): void => {
      turns++;
      if (running) setImmediate(count);
    };
    setImmediate(count);
    expect(await client.ids()).toEqual(["m-5000"]);
    running = false;
    expect(turns).toBeGreaterThanOrEqual(15);
    await client.leave();
  });

  it("ends with LOG_UNAVAILABLE when the log is closed under it", async () => {
    const client = harness.watch();
    await client.expect("started");
    const ended = expect(client.next()).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    await client.timer.idle();
    await harness.embedded[Symbol.asyncDispose]();
    await ended;
  });
});

/** A log that passes every call on, so that a test can replace one. */
function forward(log: EventLog): EventLog {
  return {
    id: log.id,
    append: (events) => log.append(events),
    bounds: () => log.bounds(),
    stats: () => log.stats(),
    health: () => log.health(),
    read: (after, options) => log.read(after, options),
    readMessage: (messageId, after, options) => log.readMessage(messageId, after, options),
    statusOf: (messageId) => log.statusOf(messageId),
    positionAtTime: (timeMs) => log.positionAtTime(timeMs),
    recordTimeAfter: (after) => log.recordTimeAfter(after),
    waitPast: (after, signal) => log.waitPast(after, signal),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}
