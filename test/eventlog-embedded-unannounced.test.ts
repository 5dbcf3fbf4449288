import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openEmbeddedLog, RECENT_RECORDS } from "../src/eventlog/embedded/open-embedded-log.ts";
import { READ_ALL, sampleEvent, sampleEvents } from "./event-log-samples.ts";

describe("an embedded log and what was stored before", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "eventlog-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("does not show rows that are committed but not yet announced", async () => {
    await using log = await openEmbeddedLog({ directory, now: () => 1_000 });
    // More than are kept in memory, so that both ways to read are taken.
    const head = RECENT_RECORDS + 50;
    await log.append(sampleEvents(1, head));
    const database = new DatabaseSync(join(directory, "events.db"));
    database.exec(
      "INSERT INTO events SELECT sequence + 1, record_time + 5, type, channel, final, rank, occur_time, 0, 0, 'new', fingerprint, bulk_id, " +
        `sender, destination, application_id, entity_id, encoded, raw FROM events WHERE sequence = ${head}`,
    );
    database.close();
    for (const includeRaw of [true, false]) {
      for (const after of [0, head - 10, head]) {
        const all = await log.read(after, { ...READ_ALL, limit: 5_000, includeRaw });
        expect([all.records.length, all.examinedTo]).toEqual([head - after, head]);
      }
    }
    const ofNew = await log.readMessage("new", 0, READ_ALL);
    expect(ofNew).toEqual({ records: [], examinedTo: head });
    expect(await log.statusOf("new")).toBeUndefined();
    expect(await log.recordTimeAfter(head)).toBeUndefined();
    expect(await log.positionAtTime(1_001)).toBe(head);
    expect(log.bounds()).toEqual({ earliest: 0, head });
  });

  it("gives times that never fall, also when the clock was set back while it was closed", async () => {
    const first = await openEmbeddedLog({ directory, now: () => 5_000 });
    await first.append([sampleEvent(1)]);
    await first[Symbol.asyncDispose]();
    await using again = await openEmbeddedLog({ directory, now: () => 1_000 });
    await again.append([sampleEvent(2)]);
    const { records } = await again.read(0, READ_ALL);
    expect(records.map((record) => record.recordTimeMs)).toEqual([5_000, 5_000]);
  });
});
