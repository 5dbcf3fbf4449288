import { afterAll, beforeAll, expect, it } from "vitest";
import { messageIds, READ_ALL, sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { headAt, startLogProcess } from "./fixtures/jetstream-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

describeNats("event log in NATS, following", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("two processes that both append, with repeats, come to the same log", async () => {
    const prefix = uniquePrefix();
    await using one = await startLogProcess(server.url, prefix);
    await using two = await startLogProcess(server.url, prefix);
    const logs = [await one.open(), await two.open()];
    expect(logs[0]?.id).toBe(logs[1]?.id);
    const results = await Promise.all(
      logs.flatMap((log, which) =>
        // Each batch begins in the one before, and the second process repeats half of the first one's.
        Array.from({ length: 50 }, (_, n) => {
          const from = which * 1_250 + n * 50 + 1;
          return log.append(sampleEvents(from, from + 59));
        }),
      ),
    );
    const appended = results.reduce((sum, result) => sum + result.appended, 0);
    const duplicates = results.reduce((sum, result) => sum + result.duplicates, 0);
    expect([appended, appended + duplicates]).toEqual([3_760, 6_000]);
    await Promise.all(logs.map((log) => headAt(log, 3_760)));
    const [first, second] = await Promise.all(
      logs.map(async (log) => (await log.read(0, { ...READ_ALL, includeRaw: true })).records),
    );
    expect(new Set(first?.map((record) => record.columns.messageId)).size).toBe(3_760);
    expect(second).toEqual(first);
  });

  it("a repeat after the server has forgotten the first is not seen", async () => {
    await using process = await startLogProcess(server.url, uniquePrefix());
    const log = await process.open({ dedupeWindowMs: 100 });
    await log.append([sampleEvent(1)]);
    // The server forgets in its own time; it has once it takes the event again.
    await expect
      .poll(async () => (await log.append([sampleEvent(1)])).appended, { interval: 100, timeout: 15_000 })
      .toBe(1);
    await log.append([sampleEvent(2)]);
    expect(await messageIds(log)).toEqual(["m-1", "m-2"]);
    expect(log.bounds()).toEqual({ earliest: 0, head: 3 });
  });

  it("keeps what it has over a restart, and fetches only what is new", async () => {
    const prefix = uniquePrefix();
    await using one = await startLogProcess(server.url, prefix);
    await using two = await startLogProcess(server.url, prefix);
    const other = await one.open();
    const log = await two.open();
    await other.append(sampleEvents(1, 100));
    await headAt(log, 100);
    await log[Symbol.asyncDispose]();
    await other.append(sampleEvents(101, 150));
    const received = two.link.connection.stats().inMsgs;
    const again = await two.open();
    expect(again.bounds()).toEqual({ earliest: 0, head: 150 });
    expect(await messageIds(again)).toHaveLength(150);
    expect(two.link.connection.stats().inMsgs - received).toBeLessThan(80);
  });

  it("goes on after its consumer was deleted", async () => {
    await using process = await startLogProcess(server.url, uniquePrefix());
    const log = await process.open();
    await log.append([sampleEvent(1)]);
    const { consumers } = await process.ask<{ consumers: string[] }>("CONSUMER.NAMES");
    expect(consumers).toHaveLength(1);
    const subject = `$JS.API.CONSUMER.DELETE.${process.stream}.${consumers[0]}`;
    await process.link.request(subject, new Uint8Array());
    await log.append(sampleEvents(2, 5));
    await headAt(log, 5);
    expect(await messageIds(log)).toEqual(["m-1", "m-2", "m-3", "m-4", "m-5"]);
    expect(log.follower?.isFollowing).toBe(true);
  });

  it("passes over what others have put into the stream, and tells how much", async () => {
    const skipped: number[] = [];
    const prefix = uniquePrefix();
    await using process = await startLogProcess(server.url, prefix, { onSkipped: (n) => skipped.push(n) });
    const log = await process.open();
    const subject = `${prefix.toLowerCase()}.events.event`;
    await log.append([sampleEvent(1)]);
    const whole = Buffer.alloc(200, 1);
    for (const payload of [[], [9], [1], [1, 0, 0], [2, ...Buffer.alloc(60)], [3], [...whole], [0]])
      await process.publisher.publish(subject, Uint8Array.from(payload));
    await log.append([sampleEvent(2)]);
    expect(await messageIds(log)).toEqual(["m-1", "m-2"]);
    expect(log.follower).toMatchObject({ position: 10, lag: 0, skipped: 6 });
    expect(skipped).toEqual([1]);
    expect(log.health()).toEqual({ ok: true });
  });

  it("stores events that are larger than a message, in their place, and only once", async () => {
    const prefix = uniquePrefix();
    await using process = await startLogProcess(server.url, prefix);
    const log = await process.open();
    const large = sampleEvent(2, {}, "x".repeat(3_000_000));
    expect(await log.append([sampleEvent(1), large, sampleEvent(3)])).toEqual({ appended: 3, duplicates: 0 });
    expect(await log.append([large])).toEqual({ appended: 0, duplicates: 1 });
    await using other = await startLogProcess(server.url, prefix);
    for (const each of [log, await other.open()]) {
      const { records } = await each.read(0, { ...READ_ALL, includeRaw: true });
      expect(records.map((record) => record.columns.messageId)).toEqual(["m-1", "m-2", "m-3"]);
      expect(records[1]?.encoded.length).toBeGreaterThan(3_000_000);
      expect(each.follower?.skipped).toBe(0);
    }
    const tooLarge = sampleEvent(4, {}, "x".repeat(40_000_000));
    await expect(log.append([tooLarge])).rejects.toMatchObject({ reason: "REQUEST_TOO_LARGE" });
    expect(log.health()).toEqual({ ok: true });
  });

  it("a process without a replica appends, and says why it does not read", async () => {
    const prefix = uniquePrefix();
    await using one = await startLogProcess(server.url, prefix);
    await using two = await startLogProcess(server.url, prefix);
    const reader = await one.open();
    const writer = await two.open({ withReplica: false });
    expect(await writer.append(sampleEvents(1, 3))).toEqual({ appended: 3, duplicates: 0 });
    await headAt(reader, 3);
    expect(writer.id).toBe(reader.id);
    expect([writer.health(), writer.follower]).toEqual([{ ok: true }, undefined]);
    await expect(writer.read(0, READ_ALL)).rejects.toMatchObject({
      reason: "LOG_UNAVAILABLE",
      message: expect.stringContaining("role"),
    });
    await expect(writer.stats()).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
  });
});
