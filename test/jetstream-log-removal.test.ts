import { afterAll, beforeAll, expect, it } from "vitest";
import { hasMessageFrom } from "../src/eventlog/jetstream/kept-message.ts";
import { messageIds, READ_ALL, sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { headAt, startLogProcess } from "./fixtures/jetstream-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

const EXPIRED = { reason: "CURSOR_EXPIRED" };

describeNats("event log in NATS, what the stream removes", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("refuses a reader at the head of a replica that retention has overtaken while it was stopped", async () => {
    const prefix = uniquePrefix();
    await using one = await startLogProcess(server.url, prefix);
    await using two = await startLogProcess(server.url, prefix);
    const writer = await one.open();
    const log = await two.open();
    await writer.append(sampleEvents(1, 10));
    await headAt(log, 10);
    await log[Symbol.asyncDispose]();
    await writer.append(sampleEvents(11, 30));
    await one.ask("STREAM.PURGE", { seq: 21 });
    const again = await two.open();
    expect(again.bounds()).toEqual({ earliest: 20, head: 30 });
    await expect(again.read(10, READ_ALL)).rejects.toMatchObject(EXPIRED);
    expect(await messageIds(again, 20)).toEqual(sampleEvents(21, 30).map((e) => e.columns.messageId));
    await again.refresh();
    expect((await again.stats()).events).toBe(10);
  });

  it("follows when everything is purged, and goes on behind it", async () => {
    await using process = await startLogProcess(server.url, uniquePrefix());
    const log = await process.open();
    await log.append(sampleEvents(1, 10));
    await process.ask("STREAM.PURGE", {});
    await log.refresh();
    expect(log.bounds()).toEqual({ earliest: 10, head: 10 });
    await expect(log.read(9, READ_ALL)).rejects.toMatchObject(EXPIRED);
    await log.append([sampleEvent(11)]);
    expect(await messageIds(log, 10)).toEqual(["m-11"]);
  });

  it("goes on past messages that were removed one by one", async () => {
    const prefix = uniquePrefix();
    await using one = await startLogProcess(server.url, prefix);
    await using two = await startLogProcess(server.url, prefix);
    const writer = await one.open();
    await writer.append(sampleEvents(1, 10));
    for (const seq of [4, 5, 10]) await one.ask("STREAM.MSG.DELETE", { seq });
    // Whether anything follows is asked of the server: a gap in the middle must not look like the end.
    const follows = [1, 4, 5, 9, 10, 11].map((from) => hasMessageFrom(one.link, one.stream, from));
    expect(await Promise.all(follows)).toEqual([true, true, true, true, false, false]);
    const log = await two.open();
    expect(log.bounds()).toEqual({ earliest: 0, head: 10 });
    expect((await log.read(0, READ_ALL)).records.map((r) => r.sequence)).toEqual([1, 2, 3, 6, 7, 8, 9]);
    expect(log.health()).toEqual({ ok: true });
  });

  it("fails when the stream was deleted and created again", async () => {
    const prefix = uniquePrefix();
    await using one = await startLogProcess(server.url, prefix);
    await using two = await startLogProcess(server.url, prefix);
    const log = await one.open();
    await log.append(sampleEvents(1, 3));
    await one.ask("STREAM.DELETE");
    await expect(log.refresh()).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    expect(log.health().ok).toBe(false);
    const other = await two.open();
    expect(other.id).not.toBe(log.id);
    await expect(log.refresh()).rejects.toThrow(/another event log/);
    expect((await log.failed).message).toMatch(/restart/);
    await expect(log.append([sampleEvent(4)])).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    expect(log.health()).toMatchObject({ ok: false, reason: expect.stringContaining("another event log") });
    expect(await messageIds(log)).toEqual(["m-1", "m-2", "m-3"]);
    await log[Symbol.asyncDispose]();
    const again = await one.open();
    expect([again.id, await messageIds(again)]).toEqual([other.id, []]);
  });

  it("refuses a stream of another format, and one that is no event log", async () => {
    const prefix = uniquePrefix();
    await using process = await startLogProcess(server.url, prefix);
    const log = await process.open();
    const { config } = await process.ask<{ config: object }>("STREAM.INFO");
    await log[Symbol.asyncDispose]();
    for (const [description, text] of [
      ["infobip-rpc event log, format 2, id 0123456789abcdef", /has format 2, not 1/],
      ["somebody's", /was not made by this service/],
    ] as const) {
      await process.ask("STREAM.UPDATE", { ...config, description });
      await expect(process.open()).rejects.toThrow(text);
    }
  });
});
