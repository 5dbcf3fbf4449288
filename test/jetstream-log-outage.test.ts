import { expect, it } from "vitest";
import type { JetStreamLog } from "../src/eventlog/jetstream/jetstream-log.ts";
import { messageIds, sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { headAt, startLogProcess, watchIds } from "./fixtures/jetstream-rig.ts";
import { describeNats, startNatsServer, uniquePrefix } from "./nats-server.ts";

const UNAVAILABLE = { reason: "LOG_UNAVAILABLE" };

/** Appends one event after the other, each until it is confirmed; resolves with how often it was refused. */
async function appendAll(log: JetStreamLog, from: number, to: number): Promise<number> {
  let refused = 0;
  for (let n = from; n <= to; ) {
    try {
      await log.append([sampleEvent(n)]);
      n++;
    } catch (error) {
      expect(error).toMatchObject(UNAVAILABLE);
      refused++;
      await connected(log);
    }
  }
  return refused;
}

/** Appends one event after the other until one is refused; a signal may reach the server a little late. */
async function appendUntilRefused(log: JetStreamLog, from: number): Promise<{ n: number; waitedMs: number }> {
  for (let n = from; ; n++) {
    const began = performance.now();
    const error: unknown = await log.append([sampleEvent(n)]).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error === undefined) continue;
    expect(error).toMatchObject(UNAVAILABLE);
    return { n, waitedMs: performance.now() - began };
  }
}

/** Resolves when the log's connection is there. */
async function connected(log: JetStreamLog): Promise<void> {
  await expect.poll(() => log.health().reason ?? "", { timeout: 15_000 }).not.toContain("no connection");
}

async function healthy(log: JetStreamLog): Promise<void> {
  await expect.poll(() => log.health(), { timeout: 20_000 }).toEqual({ ok: true });
}

describeNats("event log in NATS, outages", () => {
  it.each<NodeJS.Signals>(["SIGKILL", "SIGTERM"])(
    "has everything that was confirmed, once, after the server ended by %s while events were appended",
    async (signal) => {
      await using server = await startNatsServer();
      await using process = await startLogProcess(server.url, uniquePrefix());
      const log = await process.open();
      const writers = [1, 2, 3, 4].map((n) => appendAll(log, n * 1_000, n * 1_000 + 299));
      await headAt(log, 100);
      await server.restart(signal);
      const refused = await Promise.all(writers);
      expect(refused.reduce((sum, n) => sum + n)).toBeGreaterThan(0);
      const ids = await messageIds(log);
      const expected = [1, 2, 3, 4].flatMap((n) => sampleEvents(n * 1_000, n * 1_000 + 299));
      expect(ids.toSorted()).toEqual(expected.map((event) => event.columns.messageId).toSorted());
      await healthy(log);
    },
    60_000,
  );

  it("refuses at once while there is no server, can be read all the same, and goes on without a gap", async () => {
    await using server = await startNatsServer();
    await using process = await startLogProcess(server.url, uniquePrefix());
    const log = await process.open();
    await log.append(sampleEvents(1, 10));
    await server.stop("SIGKILL");
    await expect.poll(() => log.health().ok).toBe(false);
    const began = performance.now();
    await expect(log.append([sampleEvent(11)])).rejects.toMatchObject(UNAVAILABLE);
    expect(performance.now() - began).toBeLessThan(500);
    expect(await messageIds(log)).toHaveLength(10);
    const next = watchIds(log, 10, 1);
    await server.start();
    await connected(log);
    await log.append([sampleEvent(11)]);
    expect(await next).toEqual(["m-11"]);
    await healthy(log);
  }, 40_000);

  it("tells that following works again when nothing has come meanwhile", async () => {
    await using server = await startNatsServer();
    const told: string[] = [];
    await using process = await startLogProcess(server.url, uniquePrefix(), {
      onFollowTrouble: () => told.push("trouble"),
      onFollowRecovered: () => told.push("recovered"),
    });
    const log = await process.open();
    await log.append(sampleEvents(1, 3));
    await server.stop("SIGKILL");
    await expect.poll(() => told, { timeout: 10_000 }).toEqual(["trouble"]);
    await server.start();
    await expect.poll(() => told, { timeout: 15_000 }).toEqual(["trouble", "recovered"]);
  }, 40_000);

  it("refuses in bounded time while the server hangs, and watchers go on without a gap", async () => {
    await using server = await startNatsServer();
    await using process = await startLogProcess(server.url, uniquePrefix());
    const log = await process.open();
    await log.append(sampleEvents(1, 5));
    const watched = watchIds(log, 0, 20);
    server.pause();
    const { n, waitedMs } = await appendUntilRefused(log, 6);
    expect(waitedMs).toBeLessThan(8_000);
    expect(log.health().ok).toBe(false);
    server.resume();
    await connected(log);
    await appendAll(log, n, 20);
    const ids = sampleEvents(1, 20).map((event) => event.columns.messageId);
    expect(await watched).toEqual(ids);
    expect(await messageIds(log)).toEqual(ids);
    await healthy(log);
  }, 60_000);

  it("is well again by itself after an append has failed, without another append", async () => {
    await using server = await startNatsServer();
    const told: string[] = [];
    const hooks = { onTrouble: () => told.push("trouble"), onRecovered: () => told.push("recovered") };
    await using process = await startLogProcess(server.url, uniquePrefix(), hooks);
    const log = await process.open();
    await server.stop();
    await expect(log.append([sampleEvent(1)])).rejects.toMatchObject(UNAVAILABLE);
    await server.start();
    await healthy(log);
    expect(told).toEqual(["trouble", "recovered"]);
    expect(await messageIds(log)).toEqual([]);
  }, 40_000);
});
