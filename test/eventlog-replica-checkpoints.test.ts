import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ReplicaEntry, ReplicaLog } from "../src/eventlog/replica-log.ts";
import { messageIds, sampleColumns, sampleEvent } from "./event-log-samples.ts";
import { openReplica, replicaEntry } from "./fixtures/replica-event-log.ts";

const MIB = 1024 * 1024;
const RAW = new Uint8Array(8 * 1024).fill(7);

describe("a replica's write-ahead log", () => {
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

  const databaseBytes = (): number => statSync(join(directory, "replica.db")).size;
  const logFiles = (): string[] => readdirSync(directory).filter((name) => /-(?:wal|shm)$/.test(name));

  function entries(from: number, count: number): ReplicaEntry[] {
    return Array.from({ length: count }, (_, n) =>
      replicaEntry(from + n, { ...sampleEvent(from + n), raw: RAW }),
    );
  }

  it("moves into the file long before the writer would do it by itself, and is gone at the end", async () => {
    // The writer alone begins at 62 MiB.
    for (let from = 1; from <= 2_000; from += 50) await log.apply(entries(from, 50), from + 49);
    await expect.poll(databaseBytes, { timeout: 20_000 }).toBeGreaterThan(4 * MIB);
    await log.apply(entries(2_001, 50), 2_050);
    expect(logFiles()).not.toEqual([]);
    await log[Symbol.asyncDispose]();
    expect(logFiles()).toEqual([]);
    expect(existsSync(join(directory, "replica.db"))).toBe(true);
    log = await openReplica(directory);
    expect(await messageIds(log)).toHaveLength(2_050);
  });

  it("keeps the texts of events apart that have some in common", async () => {
    const texts = ["shop", "shop", "shóp", "shop", "shot", "", "shop", "éé", "abcd", "éé"];
    const events = texts.map((sender, n) => ({
      ...sampleEvent(n + 1),
      columns: sampleColumns({ messageId: `m-${n}`, sender, entityId: texts[texts.length - 1 - n] ?? "" }),
    }));
    await log.apply(
      events.map((event, n) => replicaEntry(n + 1, event)),
      events.length,
    );
    const { records } = await log.read(0, { limit: 100, maxBytes: MIB, includeRaw: true });
    expect(records.map((record) => record.columns)).toEqual(events.map((event) => event.columns));
  });
});
