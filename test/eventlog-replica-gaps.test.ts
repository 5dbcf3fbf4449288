import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ReplicaLog } from "../src/eventlog/replica-log.ts";
import { messageIds, READ_ALL, sampleEvent } from "./event-log-samples.ts";
import { openReplica, replicaEntry } from "./fixtures/replica-event-log.ts";

describe("a replica of a log whose sequences have gaps", () => {
  let directory: string;
  let log: ReplicaLog;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "replica-"));
    log = await openReplica(directory);
  });

  afterEach(async () => {
    await log[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  /** Applies events under the sequences, message `m-<sequence>` each, at a thousandfold time. */
  const applyAt = (sequences: readonly number[], through: number) =>
    log.apply(
      sequences.map((n) => replicaEntry(n, sampleEvent(n), n * 1_000)),
      through,
    );
  const sequencesAfter = async (after: number): Promise<number[]> =>
    (await log.read(after, READ_ALL)).records.map((record) => record.sequence);

  it("keeps the sequences it is given, and reads exactly after any position", async () => {
    await applyAt([10, 20, 21, 30], 35);
    expect(log.bounds()).toEqual({ earliest: 0, head: 35 });
    expect(log.position).toBe(35);
    for (let after = 0; after <= 35; after++) {
      expect(await sequencesAfter(after)).toEqual([10, 20, 21, 30].filter((n) => n > after));
      expect((await log.read(after, READ_ALL)).examinedTo).toBe(35);
      expect((await log.read(after, { ...READ_ALL, includeRaw: true })).examinedTo).toBe(35);
    }
    expect((await log.read(0, { ...READ_ALL, limit: 2 })).examinedTo).toBe(20);
    expect((await log.stats()).events).toBe(4);
  });

  it("moves head and position without events, and wakes those who wait", async () => {
    await applyAt([5], 5);
    const woken = log.waitPast(5, new AbortController().signal);
    expect(await log.apply([], 9)).toEqual({ duplicates: 0 });
    await woken;
    expect(log.bounds().head).toBe(9);
    expect(await log.read(5, READ_ALL)).toEqual({ records: [], examinedTo: 9 });
    expect(await log.apply([], 9)).toEqual({ duplicates: 0 });
    expect(await log.recordTimeAfter(5)).toBeUndefined();
    expect(await log.recordTimeAfter(4)).toBe(5_000);
  });

  it("does not show an event after a gap that is committed but not yet announced", async () => {
    await applyAt([5], 9);
    const database = new DatabaseSync(join(directory, "replica.db"));
    database.exec(
      "INSERT INTO events SELECT 10, 10000, type, channel, final, rank, occur_time, 0, 0, 'new', fingerprint, bulk_id, " +
        "sender, destination, application_id, entity_id, encoded, raw FROM events",
    );
    database.close();
    expect(await log.recordTimeAfter(5)).toBeUndefined();
    expect(await log.read(5, READ_ALL)).toEqual({ records: [], examinedTo: 9 });
    expect(await log.statusOf("new")).toBeUndefined();
    expect(await sequencesAfter(await log.positionAtTime(9_000))).toEqual([]);
  });

  it("finds positions by time", async () => {
    await applyAt([10, 20, 30], 40);
    for (let second = 0; second <= 41; second++) {
      const position = await log.positionAtTime(second * 1_000);
      expect(await sequencesAfter(position)).toEqual([10, 20, 30].filter((n) => n >= second));
    }
  });

  it("removes up to any position, also one in a gap", async () => {
    await applyAt([10, 20, 30], 40);
    for (const [position, left] of [
      [5, 3],
      [15, 2],
      [20, 1],
      [35, 0],
    ] as const) {
      await log.removeThrough(position);
      expect(log.bounds()).toEqual({ earliest: position, head: 40 });
      expect((await log.stats()).events).toBe(left);
      await expect(log.read(position - 1, READ_ALL)).rejects.toMatchObject({ reason: "CURSOR_EXPIRED" });
    }
    await log.removeThrough(100);
    expect(log.bounds()).toEqual({ earliest: 40, head: 40 });
    await applyAt([50], 50);
    expect(await messageIds(log, 40)).toEqual(["m-50"]);
  });

  it("skips what the log removed before the replica had it", async () => {
    await applyAt([1, 2], 2);
    await log.apply([], 99);
    await log.removeThrough(99);
    await applyAt([100], 100);
    expect(log.bounds()).toEqual({ earliest: 99, head: 100 });
    expect(await messageIds(log, 99)).toEqual(["m-100"]);
  });

  it("refuses sequences that do not rise, and stores nothing of them", async () => {
    await applyAt([5], 7);
    for (const [sequences, through] of [
      [[5], 9],
      [[7], 9],
      [[9, 8], 9],
      [[8, 8], 9],
      [[], 8.5],
      [[10], 9],
      [[], 6],
    ] as const)
      await expect(applyAt(sequences, through)).rejects.toThrow(RangeError);
    expect(log.position).toBe(7);
    await applyAt([8], 8);
    expect(await messageIds(log)).toEqual(["m-5", "m-8"]);
  });

  it("refuses an entry that is cut off, and stores nothing of its batch", async () => {
    const whole = replicaEntry(1, sampleEvent(1));
    const cut = { ...replicaEntry(2, sampleEvent(2)), packed: whole.packed.subarray(0, 80) };
    await expect(log.apply([whole, cut], 2)).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    expect([log.position, (await log.stats()).events]).toEqual([0, 0]);
    await log.apply([whole], 2);
    expect(await messageIds(log)).toEqual(["m-1"]);
  });

  it("takes one call at a time", async () => {
    const first = applyAt([1], 1);
    await expect(applyAt([2], 2)).rejects.toThrow("one call at a time");
    await first;
    await applyAt([2], 2);
    expect(await messageIds(log)).toEqual(["m-1", "m-2"]);
  });

  it("agrees with a list of events whatever is applied, read, removed and opened again", async () => {
    const step = fc.record({
      gaps: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 5 }),
      tail: fc.nat(3),
      remove: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 4 }),
      limit: fc.integer({ min: 1, max: 4 }),
      reopen: fc.boolean(),
    });
    let kept: number[] = [];
    const readAll = async (limit: number): Promise<number[]> => {
      const seen: number[] = [];
      const { earliest, head } = log.bounds();
      for (let at = earliest; at < head; ) {
        const { records, examinedTo } = await log.read(at, { ...READ_ALL, limit });
        seen.push(...records.map((record) => record.sequence));
        expect(examinedTo).toBeGreaterThan(at);
        at = examinedTo;
      }
      return seen;
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        for (const { gaps, tail, remove, limit, reopen } of steps) {
          let sequence = log.position;
          const added = gaps.map((gap) => {
            sequence += gap;
            return sequence;
          });
          await applyAt(added, sequence + tail);
          kept.push(...added);
          const { earliest, head } = log.bounds();
          if (remove !== null) {
            const position = earliest + Math.floor(remove * (head - earliest));
            await log.removeThrough(position);
            kept = kept.filter((n) => n > position);
          }
          if (reopen && limit === 1) {
            await log[Symbol.asyncDispose]();
            log = await openReplica(directory, { onRebuilt: (reason) => expect.fail(reason) });
            expect(log.bounds().head).toBe(head);
          }
          expect(await readAll(limit)).toEqual(kept);
          expect((await log.stats()).events).toBe(kept.length);
        }
      }),
      { numRuns: 25 },
    );
  });
});
