import { mkdtemp, open as openFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EmbeddedEventLog } from "../src/eventlog/embedded/embedded-log.ts";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { messageIds, READ_ALL, sampleEvent } from "./event-log-samples.ts";

const EVENTS = 4_000;
const PAGE = 4_096;

describe("an embedded log whose file is damaged in the middle", () => {
  let directory: string;
  let damages: Error[];
  let log: EmbeddedEventLog;

  /** Writes over leaf pages of a table or index: the middle half of them. */
  const damage = async (name: string): Promise<void> => {
    const file = join(directory, "events.db");
    const database = new DatabaseSync(file, { readOnly: true });
    const pages = database
      .prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path")
      .all(name)
      .map((row) => Number(row.pageno));
    database.close();
    expect(pages.length).toBeGreaterThan(20);
    const handle = await openFile(file, "r+");
    const middle = pages.slice(Math.floor(pages.length / 4), Math.floor((pages.length * 3) / 4));
    for (const page of middle) await handle.write(Buffer.alloc(PAGE, 0xa5), 0, PAGE, (page - 1) * PAGE);
    await handle.close();
  };

  const open = () => openEmbeddedLog({ directory, onDamaged: (error) => damages.push(error) });
  const idOf = (n: number): string => `m-${String((n * 7_919) % EVENTS).padStart(6, "0")}`;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "eventlog-"));
    damages = [];
    const filled = await open();
    await filled.append(Array.from({ length: EVENTS }, (_, n) => sampleEvent(n + 1, { messageId: idOf(n) })));
    await filled[Symbol.asyncDispose]();
  });

  afterEach(async () => {
    await log[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  it("rejects the reads that hit it, is not well from then on, and still reads and stores elsewhere", async () => {
    await damage("events");
    log = await open();
    expect(log.health()).toEqual({ ok: true });
    const unavailable = { reason: "LOG_UNAVAILABLE", cause: { errcode: 11 } };
    await expect(log.read(EVENTS / 2, { ...READ_ALL, limit: 100 })).rejects.toMatchObject(unavailable);
    await expect(log.statusOf(idOf(EVENTS / 2))).rejects.toMatchObject(unavailable);
    const reason = "SQLITE_CORRUPT: database disk image is malformed";
    expect(log.health()).toEqual({ ok: false, reason });
    expect(damages).toMatchObject([{ name: "LogReadError", code: "SQLITE_CORRUPT", message: reason }]);
    expect((await log.read(0, { ...READ_ALL, limit: 10 })).records).toHaveLength(10);
    expect(await log.append([sampleEvent(EVENTS + 1)])).toEqual({ appended: 1, duplicates: 0 });
    expect(log.health().ok).toBe(false);
    expect(await messageIds(log, EVENTS)).toEqual([`m-${EVENTS + 1}`]);
  });

  it("ends the writer's work when a commit hits it", async () => {
    log = await open();
    await damage("events_identity");
    const appended = log.append(
      Array.from({ length: 100 }, (_, n) => sampleEvent(EVENTS + n, { messageId: `${idOf(n * 40)}-new` })),
    );
    await expect(appended).rejects.toMatchObject({
      reason: "LOG_UNAVAILABLE",
      cause: { name: "LogWriteError", code: "SQLITE_CORRUPT" },
    });
    expect(await log.failed).toMatchObject({ code: "SQLITE_CORRUPT" });
    expect(log.health()).toMatchObject({ ok: false, reason: expect.stringContaining("SQLITE_CORRUPT") });
    await expect(log.append([sampleEvent(1)])).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    expect(await messageIds(log)).toHaveLength(EVENTS);
  });
});
