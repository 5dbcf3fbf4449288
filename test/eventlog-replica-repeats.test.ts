import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import type { EventLog, EventRecord, NewEvent } from "../src/eventlog/event-log.ts";
import type { ReplicaLog } from "../src/eventlog/replica-log.ts";
import { decodeEvent, READ_ALL, sampleEvent } from "./event-log-samples.ts";
import { openReplica, replicaEntry } from "./fixtures/replica-event-log.ts";

/** An event of one of few messages, so that repeats and contradictions are many. */
const anyEvent = fc
  .record({
    message: fc.integer({ min: 0, max: 3 }),
    rank: fc.integer({ min: 0, max: 8 }),
    channel: fc.constantFrom(0, 1, 2),
    occurTimeMs: fc.constantFrom(0, 10, 20, 30),
  })
  .map(({ message, rank, channel, occurTimeMs }): NewEvent => {
    const n = 1 + rank + 10 * channel + occurTimeMs * 10;
    return sampleEvent(n, { messageId: message === 0 ? "" : `m-${message}`, rank, channel, occurTimeMs });
  });

describe("a replica that is given repeats", () => {
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

  const sequences = async (): Promise<number[]> =>
    (await log.read(log.bounds().earliest, READ_ALL)).records.map((record) => record.sequence);

  it("keeps the first of each, moves past the others, and counts what it keeps", async () => {
    const first = [replicaEntry(1, sampleEvent(1)), replicaEntry(2, sampleEvent(2))];
    expect(await log.apply(first, 2)).toEqual({ duplicates: 0 });
    const late = [
      replicaEntry(3, sampleEvent(1, {}, "again")),
      replicaEntry(4, sampleEvent(3)),
      replicaEntry(5, sampleEvent(3, {}, "again")),
    ];
    expect(await log.apply(late, 5)).toEqual({ duplicates: 2 });
    expect(log.bounds()).toEqual({ earliest: 0, head: 5 });
    expect(await sequences()).toEqual([1, 2, 4]);
    expect((await log.stats()).events).toBe(3);
    const { records } = await log.read(0, { ...READ_ALL, includeRaw: true });
    const raws = records.map((record) => Buffer.from(decodeEvent(record).rawBody ?? []).toString());
    expect(raws).toEqual(["raw 1", "raw 2", "raw 3"]);
  });

  it("also drops one that comes after a restart, and takes it once the first was removed", async () => {
    await log.apply([replicaEntry(1, sampleEvent(1)), replicaEntry(2, sampleEvent(2))], 2);
    await log[Symbol.asyncDispose]();
    log = await openReplica(directory);
    expect(await log.apply([replicaEntry(3, sampleEvent(1))], 3)).toEqual({ duplicates: 1 });
    expect(await sequences()).toEqual([1, 2]);
    await log.removeThrough(1);
    expect(await log.apply([replicaEntry(4, sampleEvent(1))], 4)).toEqual({ duplicates: 0 });
    expect(await sequences()).toEqual([2, 4]);
  });

  it("raises record times that fall, also after a restart, and also those of its events", async () => {
    await log.apply([replicaEntry(1, sampleEvent(1), 5_000), replicaEntry(2, sampleEvent(2), 4_000)], 2);
    await log[Symbol.asyncDispose]();
    log = await openReplica(directory);
    await log.apply([replicaEntry(3, sampleEvent(3), 1_000), replicaEntry(4, sampleEvent(4), 6_000)], 4);
    const { records } = await log.read(0, READ_ALL);
    expect(records.map((record) => record.recordTimeMs)).toEqual([5_000, 5_000, 5_000, 6_000]);
    expect(records.map((record) => decodeEvent(record).recordTime?.seconds)).toEqual([5n, 5n, 5n, 6n]);
  });
});

describe("a replica and an embedded log that are given the same events", () => {
  /** What must be equal; sequences and cursors are each log's own. */
  const view = ({ recordTimeMs, columns, superseded, encoded }: EventRecord) => {
    const { id, superseded: mark } = decodeEvent({ encoded } as EventRecord);
    return { recordTimeMs, columns, superseded, id, mark };
  };
  const viewOf = async (log: EventLog | ReplicaLog) => {
    const { records } = await log.read(0, READ_ALL);
    const statuses = await Promise.all(["m-1", "m-2", "m-3"].map((id) => log.statusOf(id)));
    return { events: records.map(view), statuses: statuses.map((record) => record && view(record)) };
  };

  it("keep the same ones and come to the same marks, however they are cut into batches", async () => {
    const batches = fc.array(fc.record({ events: fc.array(anyEvent, { maxLength: 12 }), gap: fc.nat(2) }), {
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(batches, fc.boolean(), async (given, inOne) => {
        const directory = await mkdtemp(join(tmpdir(), "replica-"));
        let timeMs = 1_000;
        try {
          await using embedded = await openEmbeddedLog({ directory, now: () => timeMs });
          await using replica = await openReplica(directory);
          let sequence = 0;
          const entries = [];
          let duplicates = 0;
          for (const { events, gap } of given) {
            timeMs += 1;
            duplicates += (await embedded.append(events)).duplicates;
            sequence += gap;
            for (const event of events) entries.push(replicaEntry(++sequence, event, timeMs));
          }
          const size = inOne ? entries.length : 5;
          let dropped = 0;
          for (let at = 0; at < entries.length; at += size) {
            const batch = entries.slice(at, at + size);
            dropped += (await replica.apply(batch, batch.at(-1)?.sequence ?? 0)).duplicates;
          }
          expect(dropped).toBe(duplicates);
          expect(await viewOf(replica)).toEqual(await viewOf(embedded));
        } finally {
          await rm(directory, { recursive: true });
        }
      }),
      { numRuns: 30 },
    );
  });
});
