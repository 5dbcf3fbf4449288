import {
  copyFile,
  mkdir,
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import type { RebuildReason, ReplicaLogOptions } from "../src/eventlog/embedded/open-replica-log.ts";
import { ReadOnlyLog } from "../src/eventlog/embedded/read-only-log.ts";
import { messageIds, READ_ALL, sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { openReplica, replicaEntry } from "./fixtures/replica-event-log.ts";

const EVENTS = 2_000;
const PAGE = 4_096;

describe("opening a replica", () => {
  let directory: string;
  let file: string;
  let rebuilt: RebuildReason[];

  beforeEach(async () => {
    directory = join(await mkdtemp(join(tmpdir(), "replica-")), "nats-TEST");
    file = join(directory, "replica.db");
    rebuilt = [];
  });

  afterEach(() => rm(join(directory, ".."), { recursive: true }));

  const open = (options: Partial<ReplicaLogOptions> = {}) =>
    openReplica(directory, { onRebuilt: (reason) => rebuilt.push(reason), ...options });
  const entries = sampleEvents(1, EVENTS).map((event, n) => replicaEntry(2 * (n + 1), event));
  const fill = async (): Promise<void> => {
    await using log = await open();
    await log.apply(entries, 2 * EVENTS + 1);
  };
  const ruin = (sql: string): void => {
    const database = new DatabaseSync(file);
    database.exec(sql);
    database.close();
  };
  /** Writes over leaf pages of a table or index: the middle half of them. */
  const damage = async (name: string): Promise<void> => {
    const database = new DatabaseSync(file, { readOnly: true });
    const pages = database
      .prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path")
      .all(name)
      .map((row) => Number(row.pageno));
    database.close();
    expect(pages.length).toBeGreaterThan(10);
    const handle = await openFile(file, "r+");
    const middle = pages.slice(Math.floor(pages.length / 4), Math.floor((pages.length * 3) / 4));
    for (const page of middle) await handle.write(Buffer.alloc(PAGE, 0xa5), 0, PAGE, (page - 1) * PAGE);
    await handle.close();
  };
  const expectBegunAnew = async (reason: RebuildReason, options: Partial<ReplicaLogOptions> = {}) => {
    await using log = await open(options);
    expect(rebuilt).toEqual([reason]);
    expect([log.position, log.bounds(), (await log.stats()).events]).toEqual([
      0,
      { earliest: 0, head: 0 },
      0,
    ]);
    await log.apply(entries, 2 * EVENTS);
    expect(await messageIds(log)).toHaveLength(EVENTS);
    expect(log.health()).toEqual({ ok: true });
  };

  it("goes on where it stopped, with the position of its last commit", async () => {
    await fill();
    await using log = await open({ lastSequence: 2 * EVENTS + 1 });
    expect([log.position, log.id, rebuilt]).toEqual([2 * EVENTS + 1, "00112233445566ff", []]);
    expect(await messageIds(log)).toHaveLength(EVENTS);
  });

  it("creates files for their owner only", async () => {
    await using log = await open();
    await log.apply(entries, 2 * EVENTS);
    const names = await readdir(directory);
    expect(names.sort()).toEqual([
      "replica.db",
      "replica.db-shm",
      "replica.db-wal",
      "replica.lock",
      "replica.lock-journal",
    ]);
    for (const name of names) expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
  });

  it.each<[string, () => Promise<void> | void]>([
    ["is cut off", () => truncate(file, 100_000)],
    ["is no database any more", () => writeFile(file, "x".repeat(100_000))],
    ["lost its last events", () => ruin(`DELETE FROM events WHERE sequence > ${EVENTS}`)],
    ["lost all events", () => ruin("DELETE FROM events")],
    ["lost its state", () => ruin("DELETE FROM log_state")],
    ["lost its own state", () => ruin("DELETE FROM replica_state")],
    ["lost its index", () => ruin("DROP INDEX events_identity")],
    ["lost a table", () => ruin("DROP TABLE events")],
  ])("begins anew when the file %s", async (_, harm) => {
    await fill();
    await harm();
    await expectBegunAnew("CORRUPT");
  });

  it("begins anew for another log, another version, and a log that has gone back", async () => {
    await fill();
    await expectBegunAnew("OTHER_LOG", { logId: "ffffffffffffffff" });
    rebuilt = [];
    await expectBegunAnew("OTHER_LOG");
    rebuilt = [];
    await expectBegunAnew("OTHER_LOG", { lastSequence: 2 * EVENTS - 1 });
    rebuilt = [];
    ruin("PRAGMA user_version = 99");
    await expectBegunAnew("OTHER_VERSION");
  });

  it("begins in a file that a crash left empty, and throws away a write-ahead log without a database", async () => {
    await mkdir(directory, { recursive: true });
    ruin("PRAGMA journal_mode = WAL");
    await fill();
    await copyFile(file, `${file}-wal`);
    await rm(file);
    await using log = await open();
    expect([log.position, rebuilt]).toEqual([0, []]);
    await log.apply(entries, 2 * EVENTS);
  });

  it.each(["events", "events_identity"])(
    "begins anew after a read or commit has found %s damaged in the middle",
    async (name) => {
      await fill();
      const damages: Error[] = [];
      const log = await open({ onDamaged: (error) => damages.push(error) });
      await damage(name);
      if (name === "events") {
        await expect(log.read(0, READ_ALL)).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
        expect(damages).toHaveLength(1);
      } else {
        const more = sampleEvents(1, EVENTS).map((event, n) =>
          replicaEntry(2 * EVENTS + 2 + n, { ...event, fingerprint: Buffer.alloc(8, 1) }),
        );
        await expect(log.apply(more, 4 * EVENTS)).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
      }
      expect(await log.failed).toMatchObject({ code: "SQLITE_CORRUPT" });
      expect(log.health()).toMatchObject({ ok: false, reason: expect.stringContaining("SQLITE_CORRUPT") });
      await log[Symbol.asyncDispose]();
      await expectBegunAnew("CORRUPT");
      rebuilt = [];
      await using again = await open();
      expect([again.position, rebuilt]).toEqual([2 * EVENTS, []]);
    },
  );

  it("fails when its file is deleted under it", async () => {
    await using log = await open();
    await rm(file);
    await expect(log.apply([replicaEntry(1, sampleEvent(1))], 1)).rejects.toMatchObject({
      reason: "LOG_UNAVAILABLE",
    });
    expect((await log.failed).message).toContain("cannot be written");
    expect(log.health().ok).toBe(false);
  });

  it("refuses an event log, another program's database, and a replica that is open, and leaves them as they are", async () => {
    const own = join(directory, "own");
    const embedded = await openEmbeddedLog({ directory: own });
    await embedded.append(sampleEvents(1, 3));
    await embedded[Symbol.asyncDispose]();
    await copyFile(join(own, "events.db"), file);
    const before = await readFile(file);
    await expect(open()).rejects.toMatchObject({ name: "EventLogOpenError", reason: "NOT_A_LOG", file });
    await expect(open()).rejects.toThrow("left as it is");
    expect(await readFile(file)).toEqual(before);
    await rm(file);
    ruin("CREATE TABLE theirs (x)");
    await expect(open()).rejects.toMatchObject({ reason: "NOT_A_LOG" });
    await rm(file);
    await using log = await open();
    await expect(open()).rejects.toMatchObject({ reason: "IN_USE" });
    await log.apply([replicaEntry(1, sampleEvent(1))], 1);
    expect([rebuilt, await messageIds(log)]).toEqual([[], ["m-1"]]);
  });

  it("is not taken for an event log of its own", async () => {
    await fill();
    const own = join(directory, "own");
    await mkdir(own);
    await copyFile(file, join(own, "events.db"));
    await expect(openEmbeddedLog({ directory: own })).rejects.toMatchObject({ reason: "NOT_A_LOG" });
    await expect(openEmbeddedLog({ directory: own })).rejects.toThrow("is a replica");
    expect(() => ReadOnlyLog.open(own)).toThrow("is a replica");
  });
});
