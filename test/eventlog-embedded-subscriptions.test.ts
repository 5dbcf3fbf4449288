import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type EmbeddedLogOptions,
  openEmbeddedLog,
  startWriterThread,
} from "../src/eventlog/embedded/open-embedded-log.ts";
import type { SubscriptionChange, SubscriptionStore } from "../src/eventlog/embedded/subscription-store.ts";
import type { FromWriter } from "../src/eventlog/embedded/writer-messages.ts";
import { READ_ALL, sampleEvent, sampleEvents } from "./event-log-samples.ts";

const put = (id: string, state = `state of ${id}`): SubscriptionChange => ({
  kind: "put",
  id,
  state: Buffer.from(state),
});
const bury = (id: string, sequence: number, attempts = 5): SubscriptionChange => ({
  kind: "bury",
  id,
  sequence,
  attempts,
  deadTimeMs: 1_700_000_000_123,
  failure: "NACK",
});

describe("subscriptions of an embedded log", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "eventlog-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const open = (options: Partial<EmbeddedLogOptions> = {}) => openEmbeddedLog({ directory, ...options });
  const letters = async (store: SubscriptionStore, id: string, after = 0): Promise<number[]> =>
    (await store.deadLetters(id, after, READ_ALL)).map(({ record }) => record.sequence);
  const stored = (store: SubscriptionStore) =>
    store.load().map(({ state, ...rest }) => ({ ...rest, state: Buffer.from(state).toString() }));

  it("keeps the last state of each, across restarts, and forgets what was deleted", async () => {
    {
      await using log = await open();
      expect(log.subscriptions.load()).toEqual([]);
      await log.append([sampleEvent(1)]);
      await log.subscriptions.commit([put("b"), put("a", "first"), put("gone"), bury("gone", 1)]);
      const { missing } = await log.subscriptions.commit([
        put("a", "second"),
        { kind: "delete", id: "gone" },
      ]);
      expect(missing).toEqual([]);
      expect(await log.subscriptions.commit([])).toEqual({ missing: [] });
    }
    await using again = await open();
    expect(stored(again.subscriptions)).toEqual([
      { id: "a", state: "second", deadLetters: 0, redriven: [] },
      { id: "b", state: "state of b", deadLetters: 0, redriven: [] },
    ]);
    await again.subscriptions.commit([put("gone")]);
    expect(await letters(again.subscriptions, "gone")).toEqual([]);
  });

  it("stores the bytes of a view and not of the buffer it looks into", async () => {
    await using log = await open();
    const whole = Buffer.from("before state after");
    await log.subscriptions.commit([{ kind: "put", id: "a", state: whole.subarray(7, 12) }]);
    expect(stored(log.subscriptions)[0]?.state).toBe("state");
  });

  it("keeps a dead letter, as a read returned it, whatever happens to the log", async () => {
    await using log = await open();
    await log.append(sampleEvents(1, 3));
    const plain = (await log.read(0, READ_ALL)).records;
    const full = (await log.read(0, { ...READ_ALL, includeRaw: true })).records;
    await log.subscriptions.commit([put("a"), bury("a", 1, 7), bury("a", 3)]);
    await log.removeThrough(3);
    const letter = { attempts: 7, deadTimeMs: 1_700_000_000_123, lastFailure: "NACK", redriven: false };
    const read = (includeRaw: boolean, limit = 10, maxBytes = 1 << 30) =>
      log.subscriptions.deadLetters("a", 0, { limit, maxBytes, includeRaw });
    expect(await read(false)).toEqual([
      { ...letter, record: plain[0] },
      { ...letter, attempts: 5, record: plain[2] },
    ]);
    expect((await read(true)).map(({ record }) => record)).toEqual([full[0], full[2]]);
    expect(await read(false, 1)).toHaveLength(1);
    expect(await read(false, 10, 1)).toHaveLength(1);
    expect(await letters(log.subscriptions, "a", 1)).toEqual([3]);
    expect(await letters(log.subscriptions, "b")).toEqual([]);
  });

  it("reports dead letters whose event is gone, and does the rest of the changes", async () => {
    await using log = await open();
    await log.append(sampleEvents(1, 4));
    await log.removeThrough(2);
    const changes = [put("a"), bury("a", 1), bury("a", 3), bury("a", 99), bury("unknown", 4)];
    expect(await log.subscriptions.commit(changes)).toEqual({ missing: [1, 99, 4] });
    expect(await letters(log.subscriptions, "a")).toEqual([3]);
  });

  it("redrives, settles, and takes a redriven letter back whose event has left the log", async () => {
    const first = await open();
    await first.append(sampleEvents(1, 4));
    await first.subscriptions.commit([put("a"), ...[1, 2, 3, 4].map((n) => bury("a", n))]);
    await first.subscriptions.commit([{ kind: "redrive", id: "a", sequences: [2, 4, 77] }]);
    await first.removeThrough(4);
    await first[Symbol.asyncDispose]();
    await using log = await open();
    const { subscriptions } = log;
    expect(stored(subscriptions)[0]).toMatchObject({ deadLetters: 4, redriven: [2, 4] });
    expect(await subscriptions.commit([bury("a", 2, 9)])).toEqual({ missing: [] });
    await subscriptions.commit([{ kind: "settle", id: "a", sequences: [4, 77] }]);
    expect(stored(subscriptions)[0]).toMatchObject({ deadLetters: 3, redriven: [] });
    const [letter] = await subscriptions.deadLetters("a", 1, READ_ALL);
    expect(letter).toMatchObject({ attempts: 9, redriven: false, record: { sequence: 2 } });
    expect(await subscriptions.deadLetterSequences("a", undefined)).toEqual([1, 2, 3]);
    expect(await subscriptions.deadLetterSequences("a", [3, 77, 1])).toEqual([1, 3]);
    expect(await subscriptions.deadLetterSequences("b", undefined)).toEqual([]);
  });

  it("takes changes and appends into one commit when they wait together", async () => {
    const commits: FromWriter[] = [];
    await using log = await open({
      startWriter: (data) =>
        startWriterThread(data).on("message", (message: FromWriter) => commits.push(message)),
    });
    const work = Array.from({ length: 20 }, (_, n) => [
      log.append([sampleEvent(n + 1)]),
      log.subscriptions.commit([put("a", `after ${n + 1}`)]),
    ]);
    await Promise.all(work.flat());
    const counts = commits.flatMap((message) =>
      message.kind === "committed" ? [message.results.length] : [],
    );
    expect(counts.reduce((sum, n) => sum + n, 0)).toBe(40);
    expect(Math.max(...counts)).toBeGreaterThan(2);
    expect(stored(log.subscriptions)[0]?.state).toBe("after 20");
  });

  it("counts changes against the queue, and stores all or none of a commit", async () => {
    await using log = await open({ maxQueuedBytes: 10_000, maxFileBytes: 300 * 1024 });
    const refused = log.subscriptions.commit([put("a", "x".repeat(10_000))]);
    await expect(refused).rejects.toMatchObject({ reason: "OVERLOADED" });
    const first = log.subscriptions.commit([put("a", "x".repeat(6_000))]);
    await expect(log.append([sampleEvent(1, {}, "x".repeat(6_000))])).rejects.toMatchObject({
      reason: "OVERLOADED",
    });
    await first;
    let n = 0;
    const fill = async (): Promise<void> => {
      for (; ; n++) await log.subscriptions.commit([put("a", `${n}`), put(`b${n}`, "x".repeat(8_000))]);
    };
    await expect(fill()).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    expect(stored(log.subscriptions).find(({ id }) => id === "a")?.state).toBe(`${n - 1}`);
  });

  it("refuses changes and reads once the log is closed", async () => {
    const log = await open();
    await log[Symbol.asyncDispose]();
    const unavailable = { reason: "LOG_UNAVAILABLE" };
    await expect(log.subscriptions.commit([put("a")])).rejects.toMatchObject(unavailable);
    await expect(log.subscriptions.deadLetters("a", 0, READ_ALL)).rejects.toMatchObject(unavailable);
    await expect(log.subscriptions.deadLetterSequences("a", [1])).rejects.toMatchObject(unavailable);
  });
});
