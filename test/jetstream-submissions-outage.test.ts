import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { SubmissionStore } from "../src/eventlog/submission-store.ts";
import { messageIds, sampleEvent } from "./event-log-samples.ts";
import { startOutboxRig } from "./fixtures/outbox-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";
import { commitTo, MANY, numbersOf, sampleRecord } from "./submission-samples.ts";

/** Commits until it is stored, as the outbox does. */
async function commitAnyhow(store: SubmissionStore, n: number): Promise<void> {
  await vi.waitFor(
    () => commitTo(store, { records: [sampleRecord(n)], events: [sampleEvent(n)], removed: [n - 10] }),
    { timeout: 20_000, interval: 20 },
  );
}

describeNats("submissions on JetStream, outages", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("holds everything once, after kills of the server in the middle of commits", async () => {
    await using rig = await startOutboxRig(server.url, uniquePrefix());
    const { store, fenced } = await rig.open();
    const count = 300;
    for (let n = 1; n <= count; n++) {
      const stored = commitAnyhow(store, n);
      if (n % 100 === 50) await server.restart("SIGKILL");
      await stored;
    }
    expect(fenced.aborted).toBe(false);
    const again = await rig.open();
    const { records } = await again.store.list({ before: MANY, states: [], limit: MANY, maxExamined: MANY });
    expect(numbersOf(records)).toEqual(Array.from({ length: 10 }, (_, n) => count - n));
    expect((await again.store.counts()).lastNumber).toBe(count);
    expect(await messageIds(rig.log)).toEqual(Array.from({ length: count }, (_, n) => `m-${n + 1}`));
  });

  it("rejects in time while the server hangs, also reads that could miss something, and goes on after it", async () => {
    await using rig = await startOutboxRig(server.url, uniquePrefix());
    const { store } = await rig.open();
    await commitTo(store, { records: [sampleRecord(1)] });
    server.pause();
    try {
      const began = performance.now();
      expect((await store.get("submission-1"))?.number).toBe(1);
      await expect(commitTo(store, { records: [sampleRecord(2)] })).rejects.toMatchObject({
        reason: "LOG_UNAVAILABLE",
      });
      await expect(store.get("submission-2")).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
      expect(performance.now() - began).toBeLessThan(10_000);
    } finally {
      server.resume();
    }
    // Whether the commit is stored or not: the store tells the same as one that is opened now.
    const found = await vi.waitFor(async () => [await store.get("submission-2")], { timeout: 20_000 });
    await using again = await rig.open();
    expect((await again.store.get("submission-2"))?.number).toEqual(found[0]?.number);
    await commitTo(again.store, { records: [sampleRecord(3)] });
  });

  it("rejects at once when there is no connection", async () => {
    await using rig = await startOutboxRig(server.url, uniquePrefix());
    const { store } = await rig.open();
    await server.stop();
    try {
      const began = performance.now();
      await expect(commitTo(store, { records: [sampleRecord(1)] })).rejects.toMatchObject({
        reason: "LOG_UNAVAILABLE",
      });
      expect(performance.now() - began).toBeLessThan(1_000);
    } finally {
      await server.start();
    }
    await commitAnyhow(store, 1);
    expect(await messageIds(rig.log)).toEqual(["m-1"]);
  });
});
