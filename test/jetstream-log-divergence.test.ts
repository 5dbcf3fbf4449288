import { afterAll, beforeAll, expect, it } from "vitest";
import { messageIds, sampleEvents } from "./event-log-samples.ts";
import { headAt, startLogProcess, watchIds, withChanges } from "./fixtures/jetstream-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

/** The same identity for a stream that is made twice: what a server that has lost messages looks like. */
const SAME_LOG = { newLogId: () => Buffer.from("0123456789abcdef", "hex") };
const ids = (from: number, to: number) => sampleEvents(from, to).map((event) => event.columns.messageId);

describeNats("event log in NATS, a stream that has lost messages", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it.each([
    ["ends before the replica", 105],
    ["ends where the replica does, with other events", 110],
    ["ends behind the replica, with other events", 120],
  ])("builds the replica again when the stream %s", async (_, last) => {
    const rebuilt: string[] = [];
    const prefix = uniquePrefix();
    await using one = await startLogProcess(server.url, prefix, { onRebuilt: (why) => rebuilt.push(why) });
    await using two = await startLogProcess(server.url, prefix);
    const log = await one.open(SAME_LOG);
    await log.append(sampleEvents(1, 10));
    await log[Symbol.asyncDispose]();
    await one.ask("STREAM.DELETE");
    const writer = await two.open(SAME_LOG);
    await writer.append(sampleEvents(101, last));
    const again = await one.open(SAME_LOG);
    expect(rebuilt).toEqual(["OTHER_LOG"]);
    expect(again.id).toBe("0123456789abcdef");
    expect(await messageIds(again)).toEqual(ids(101, last));
  });

  it("keeps the replica when nothing was lost", async () => {
    const rebuilt: string[] = [];
    const prefix = uniquePrefix();
    await using process = await startLogProcess(server.url, prefix, {
      onRebuilt: (why) => rebuilt.push(why),
    });
    const log = await process.open();
    const large = sampleEvents(11, 11).map((event) => ({ ...event, raw: Buffer.alloc(2_000_000, 65) }));
    for (const batch of [sampleEvents(1, 10), large]) await log.append(batch);
    // Behind the last event there may be messages without one.
    await process.publisher.publish(`${prefix.toLowerCase()}.events.event`, Uint8Array.of(0));
    await headAt(log, log.bounds().head + 1);
    await log[Symbol.asyncDispose]();
    expect(await messageIds(await process.open())).toEqual(ids(1, 11));
    expect(rebuilt).toEqual([]);
  });

  it("fails while it runs, and says what to do", async () => {
    const prefix = uniquePrefix();
    await using one = await startLogProcess(server.url, prefix);
    await using two = await startLogProcess(server.url, prefix);
    let isCutOff = false;
    const link = withChanges(one.link, {
      request: (subject: string, payload: Uint8Array) =>
        isCutOff ? Promise.reject(new Error("cut off")) : one.link.request(subject, payload),
    });
    const log = await one.open({ ...SAME_LOG, link });
    await log.append(sampleEvents(1, 10));
    // It must not see the stream before that is as long as before.
    isCutOff = true;
    await two.ask("STREAM.DELETE");
    const writer = await two.open(SAME_LOG);
    await writer.append(sampleEvents(101, 115));
    isCutOff = false;
    expect((await log.failed).message).toMatch(/another message at 10 .* lost messages; restart/);
    expect(log.health().ok).toBe(false);
    expect(await messageIds(log)).toEqual(ids(1, 10));
    await log[Symbol.asyncDispose]();
    expect(await watchIds(await one.open(SAME_LOG), 0, 15)).toEqual(ids(101, 115));
  });
});
