import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OnExpired, StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { encodeCursor } from "../src/eventlog/cursor.ts";
import type { EmbeddedEventLog } from "../src/eventlog/embedded/embedded-log.ts";
import type { EventLog } from "../src/eventlog/event-log.ts";
import { sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { WatchHarness } from "./watch-harness.ts";

describe("start of WatchEvents", () => {
  let harness: WatchHarness;

  beforeEach(async () => {
    harness = await WatchHarness.start();
    harness.timeMs = 1_000;
    await harness.log.append(sampleEvents(1, 3));
    harness.timeMs = 2_000;
    await harness.log.append(sampleEvents(4, 6));
  });

  afterEach(() => harness[Symbol.asyncDispose]());

  it("tells at once where stream and log begin and end", async () => {
    await harness.embedded.removeThrough(1);
    const started = await harness
      .watch({ from: { case: "cursor", value: harness.cursor(2) } })
      .expect("started");
    expect(started).toMatchObject({
      logId: harness.log.id,
      cursor: harness.cursor(2),
      earliestCursor: harness.cursor(1),
      headCursor: harness.cursor(6),
    });
  });

  it.each([
    ["earliest", { case: "start", value: StartPosition.EARLIEST } as const, 0],
    ["a cursor in the middle", 2, 2],
    ["the cursor before the first event", 0, 0],
    ["a time before the log", { case: "startTime", value: timestampFromMs(0) } as const, 0],
    ["the time of an event", { case: "startTime", value: timestampFromMs(2_000) } as const, 3],
    [
      "a time within the millisecond after an event",
      { case: "startTime", value: { seconds: 1n, nanos: 1 } } as const,
      3,
    ],
  ])("at %s: sends what follows, and then what comes in", async (_, from, position) => {
    const client = harness.watch({
      from: typeof from === "number" ? { case: "cursor", value: harness.cursor(from) } : from,
    });
    expect((await client.expect("started")).cursor).toBe(harness.cursor(position));
    expect(await client.ids()).toEqual(sampleEvents(position + 1, 6).map((e) => e.columns.messageId));
    expect((await client.expect("progress")).cursor).toBe(harness.cursor(6));
    const live = client.ids();
    await harness.log.append([sampleEvent(7)]);
    expect(await live).toEqual(["m-7"]);
    await client.leave();
  });

  it.each([
    ["latest", { case: "start", value: StartPosition.LATEST } as const],
    ["nowhere named", { case: undefined } as const],
    ["the cursor of the head", 6],
    ["a time after the last event", { case: "startTime", value: timestampFromMs(2_001) } as const],
  ])("at %s: sends only what comes in", async (_, from) => {
    const client = harness.watch({
      from: typeof from === "number" ? { case: "cursor", value: harness.cursor(from) } : from,
    });
    expect((await client.expect("started")).cursor).toBe(harness.cursor(6));
    const live = client.ids();
    await harness.log.append([sampleEvent(7)]);
    expect(await live).toEqual(["m-7"]);
    await client.leave();
  });

  it("waits in an empty log for the first event", async () => {
    await using empty = await WatchHarness.start();
    const client = empty.watch({ from: { case: "start", value: StartPosition.EARLIEST } });
    expect((await client.expect("started")).headCursor).toBe(empty.cursor(0));
    const live = client.ids();
    await empty.log.append([sampleEvent(1)]);
    expect(await live).toEqual(["m-1"]);
    await client.leave();
  });

  it.each([
    ["CURSOR_MALFORMED", Code.InvalidArgument, () => "no cursor", {}],
    ["CURSOR_FOREIGN_LOG", Code.FailedPrecondition, () => encodeCursor("0123456789abcdef", 3), {}],
    ["CURSOR_EXPIRED", Code.OutOfRange, () => harness.cursor(1), { earliest_cursor: 2 }],
    ["CURSOR_AHEAD", Code.OutOfRange, () => harness.cursor(7), { head_cursor: 6 }],
  ])("refuses the stream with %s before any frame", async (reason, code, cursor, positions) => {
    await harness.embedded.removeThrough(2);
    const metadata = Object.fromEntries(
      Object.entries(positions).map(([key, at]) => [key, harness.cursor(at)]),
    );
    const client = harness.watch({ from: { case: "cursor", value: cursor() } });
    await expect(client.next()).rejects.toMatchObject({ name: "ServiceError", reason, code });
    const again = harness.watch({ from: { case: "cursor", value: cursor() }, onExpired: OnExpired.FAIL });
    await expect(again.next()).rejects.toMatchObject({ metadata: expect.objectContaining(metadata) });
  });

  it("goes on behind a gap when the client wants that", async () => {
    await harness.embedded.removeThrough(2);
    const client = harness.watch({
      from: { case: "cursor", value: harness.cursor(1) },
      onExpired: OnExpired.RESUME,
    });
    expect((await client.expect("started")).cursor).toBe(harness.cursor(2));
    expect(await client.expect("gap")).toMatchObject({
      fromCursor: harness.cursor(1),
      toCursor: harness.cursor(2),
    });
    expect(await client.ids()).toEqual(["m-3", "m-4", "m-5", "m-6"]);
    await client.leave();
  });

  it.each([
    ["goes on behind a gap", OnExpired.RESUME],
    ["ends with CURSOR_EXPIRED", OnExpired.FAIL],
  ])("%s when retention overtakes the stream right before it reads", async (_, onExpired) => {
    harness.log = overtaken(harness.embedded, 2);
    const client = harness.watch({ from: { case: "cursor", value: harness.cursor(1) }, onExpired });
    await client.expect("started");
    if (onExpired === OnExpired.FAIL) {
      const metadata = expect.objectContaining({ earliest_cursor: harness.cursor(2) });
      await expect(client.next()).rejects.toMatchObject({ reason: "CURSOR_EXPIRED", metadata });
      return;
    }
    const gap = await client.expect("gap");
    expect(gap).toMatchObject({ fromCursor: harness.cursor(1), toCursor: harness.cursor(2) });
    expect(await client.ids()).toEqual(["m-3", "m-4", "m-5", "m-6"]);
    await client.leave();
  });

  it("still refuses other cursor errors when the client wants to resume", async () => {
    for (const value of ["no cursor", harness.cursor(7), encodeCursor("0123456789abcdef", 0)]) {
      const client = harness.watch({ from: { case: "cursor", value }, onExpired: OnExpired.RESUME });
      await expect(client.next()).rejects.toMatchObject({ name: "ServiceError" });
    }
  });

  it("refuses a filter that nothing can pass", async () => {
    const client = harness.watch({ filter: { finalOnly: true, types: [2] } });
    await expect(client.next()).rejects.toMatchObject({ reason: "FILTER_INERT" });
  });
});

/** The log, but events are removed when it is asked for the first time. */
function overtaken(log: EmbeddedEventLog, position: number): EventLog {
  let isFirst = true;
  const read: EventLog["read"] = async (after, options) => {
    if (isFirst) await log.removeThrough(position);
    isFirst = false;
    return log.read(after, options);
  };
  return new Proxy(log, {
    get: (_, key) => {
      const value: unknown = key === "read" ? read : Reflect.get(log, key, log);
      return typeof value === "function" ? value.bind(log) : value;
    },
  });
}
