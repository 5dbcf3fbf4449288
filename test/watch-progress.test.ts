import { durationMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { sampleEncoded, sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { WatchHarness } from "./watch-harness.ts";

const EARLIEST = { case: "start", value: StartPosition.EARLIEST } as const;

describe("progress of WatchEvents", () => {
  let harness: WatchHarness;

  beforeEach(async () => {
    harness = await WatchHarness.start();
  });

  afterEach(() => harness[Symbol.asyncDispose]());

  it("comes every 10 s on a quiet log", async () => {
    const client = harness.watch();
    await client.expect("started");
    for (let n = 0; n < 3; n++) {
      const next = client.next();
      await client.timer.idle();
      client.timer.advance(9_999);
      expect(client.timer.size).toBe(1);
      client.timer.advance(1);
      expect((await next)?.case).toBe("progress");
    }
    await client.leave();
  });

  it("comes at the interval that the client names", async () => {
    const client = harness.watch({ progressInterval: { seconds: 2n, nanos: 500_000_000 } });
    await client.expect("started");
    const next = client.next();
    await client.timer.idle();
    client.timer.advance(2_500);
    expect((await next)?.case).toBe("progress");
    await client.leave();
  });

  it("moves on when nothing matches, and says how far", async () => {
    await harness.log.append(sampleEvents(1, 1_000));
    const client = harness.watch({ from: EARLIEST, filter: { messageIds: ["nobody"] } });
    await client.expect("started");
    const caughtUp = await client.expect("progress");
    expect(caughtUp).toMatchObject({
      cursor: harness.cursor(1_000),
      headCursor: harness.cursor(1_000),
      lagEvents: 0n,
    });
    const next = client.expect("progress");
    await client.timer.idle();
    await harness.log.append(sampleEvents(1_001, 1_005));
    await client.timer.idle();
    client.timer.advance(10_000);
    expect((await next).cursor).toBe(harness.cursor(1_005));
    await client.leave();
  });

  it("is never ahead of an event that was not delivered, whatever the filter, and resuming from it is exact", async () => {
    await harness.log.append(sampleEvents(1, 700));
    const wanted = [1, 2, 255, 256, 257, 300, 511, 512, 513, 699, 700].map((n) => `m-${n}`);
    const client = harness.watch({ from: EARLIEST, filter: { messageIds: wanted } });
    const delivered: string[] = [];
    let progress = 0;
    while (progress < 3) {
      // Each read of this clock makes the next progress frame due.
      client.timer.advance(10_000);
      const last = await client.next();
      if (last?.case === "events") delivered.push(...last.value.events.map((e) => e.messageId ?? ""));
      if (last?.case !== "progress") continue;
      progress++;
      const resumed = harness.watch({
        from: { case: "cursor", value: last.value.cursor },
        filter: { messageIds: wanted },
      });
      await resumed.expect("started");
      const rest = wanted.slice(delivered.length);
      const seen: (string | undefined)[] = [];
      while (seen.length < rest.length) seen.push(...(await resumed.ids()));
      expect(seen).toEqual(rest);
      await resumed.leave();
    }
    expect(delivered).toEqual(wanted);
    await client.leave();
  });

  it("is not ahead of a frame that draining cuts off", async () => {
    const large = (n: number) => ({
      ...sampleEvent(n),
      encoded: sampleEncoded({ callbackData: "x".repeat(600_000) }),
    });
    await harness.log.append([large(1), large(2)]);
    const client = harness.watch({ from: EARLIEST });
    await client.expect("started");
    expect((await client.expect("events")).events).toHaveLength(1);
    harness.draining.abort();
    client.timer.advance(10_000);
    expect((await client.expect("progress")).cursor).toBe(harness.cursor(1));
    await client.expect("draining");
  });

  it("comes once at the end of the catch-up, after the last event, and not on a live stream", async () => {
    await harness.log.append(sampleEvents(1, 600));
    const client = harness.watch({ from: EARLIEST });
    await client.expect("started");
    expect([(await client.ids()).length, (await client.ids()).length, (await client.ids()).length]).toEqual([
      256, 256, 88,
    ]);
    expect((await client.expect("progress")).cursor).toBe(harness.cursor(600));
    const live = client.ids();
    await harness.log.append([sampleEvent(601)]);
    expect(await live).toEqual(["m-601"]);
    await client.leave();
  });

  it("comes during a long replay and says how much is left and how old it is", async () => {
    harness.timeMs = 50_000;
    await harness.log.append(sampleEvents(1, 600));
    harness.timeMs = 57_500;
    const client = harness.watch({ from: EARLIEST });
    await client.expect("started");
    await client.ids();
    client.timer.advance(10_000);
    const progress = await client.expect("progress");
    expect(progress).toMatchObject({
      cursor: harness.cursor(256),
      headCursor: harness.cursor(600),
      lagEvents: 344n,
    });
    expect(progress.lag && durationMs(progress.lag)).toBe(7_500);
    await client.leave();
  });
});
