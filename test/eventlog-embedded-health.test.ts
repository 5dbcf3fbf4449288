import { copyFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type EmbeddedLogOptions,
  openEmbeddedLog,
  startWriterThread,
} from "../src/eventlog/embedded/open-embedded-log.ts";
import { FILE_CHECK_INTERVAL_MS } from "../src/eventlog/embedded/opened-file.ts";
import type { FromWriter } from "../src/eventlog/embedded/writer-messages.ts";
import { createLogger } from "../src/log.ts";
import { sampleEvent } from "./event-log-samples.ts";

describe("health of an embedded log", () => {
  let directory: string;
  let file: string;
  let timeMs: number;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "eventlog-"));
    file = join(directory, "events.db");
    timeMs = 0;
  });

  afterEach(() => rm(directory, { recursive: true }));

  const open = (options: Partial<EmbeddedLogOptions> = {}) =>
    openEmbeddedLog({ directory, monotonicNow: () => timeMs, ...options });
  const large = (n: number) => sampleEvent(n, {}, "x".repeat(20_000));
  const refusalOf = (append: Promise<unknown>): Promise<Error> =>
    append.then(
      () => Promise.reject(new Error("it was stored")),
      (error: Error) => error,
    );

  it("names a full disk until something can be stored again, to callers' causes and in the log", async () => {
    await using log = await open({ maxFileBytes: 200 * 1024 });
    expect(log.health()).toEqual({ ok: true });
    let stored = 0;
    const fill = async (): Promise<void> => {
      for (;;) stored += (await log.append([large(stored + 1)])).appended;
    };
    const error = await refusalOf(fill());
    expect(error).toMatchObject({
      reason: "LOG_UNAVAILABLE",
      cause: { name: "LogWriteError", code: "SQLITE_FULL" },
    });
    expect(log.health()).toEqual({ ok: false, reason: "SQLITE_FULL: database or disk is full" });
    const lines: string[] = [];
    const logger = createLogger({ level: "error", format: "json", write: (line) => lines.push(line) });
    logger.error("webhook refused", { error });
    expect(lines.join()).toContain('"code":"SQLITE_FULL"');
    await log.removeThrough(2);
    await log.append([large(1_000)]);
    expect(log.health()).toEqual({ ok: true });
  });

  it("fails for good when a write finds the file damaged, and still closes", async () => {
    const log = await open();
    await log.append([sampleEvent(1)]);
    await log[Symbol.asyncDispose]();
    const damaged = await open({
      startWriter: (data) => {
        const worker = startWriterThread(data);
        const tell = worker.emit.bind(worker);
        // The writer says so instead of storing.
        worker.emit = (name: string | symbol, ...values: unknown[]) => {
          const message = values[0] as FromWriter | undefined;
          if (message?.kind !== "committed") return tell(name, ...values);
          const failure = { code: "SQLITE_CORRUPT", text: "database disk image is malformed" };
          return tell("message", { kind: "commitFailed", pieces: 1, failure } satisfies FromWriter);
        };
        return worker;
      },
    });
    await refusalOf(damaged.append([sampleEvent(2)]));
    expect(await damaged.failed).toMatchObject({ name: "LogWriteError", code: "SQLITE_CORRUPT" });
    expect(damaged.health()).toMatchObject({ ok: false, reason: expect.stringContaining("SQLITE_CORRUPT") });
    expect(await refusalOf(damaged.append([sampleEvent(3)]))).toMatchObject({ reason: "LOG_UNAVAILABLE" });
    await damaged[Symbol.asyncDispose]();
    expect(damaged.health().ok).toBe(false);
    await using again = await open();
    expect(again.health()).toEqual({ ok: true });
  });

  it("sees within five seconds that its file was deleted, and that another one took its place", async () => {
    await using log = await open();
    await log.append([sampleEvent(1)]);
    await copyFile(file, `${file}.copy`);
    await rename(file, `${file}.moved`);
    expect(log.health()).toEqual({ ok: true });
    timeMs += FILE_CHECK_INTERVAL_MS;
    expect(log.health()).toMatchObject({ ok: false, reason: expect.stringContaining("deleted or replaced") });
    await rename(`${file}.copy`, file);
    timeMs += FILE_CHECK_INTERVAL_MS;
    expect(log.health().ok).toBe(false);
    await rename(`${file}.moved`, file);
    expect(log.health().ok).toBe(false);
    timeMs += FILE_CHECK_INTERVAL_MS;
    expect(log.health()).toEqual({ ok: true });
  });

  it("confirms nothing that it stored in a deleted file, however short ago that was", async () => {
    await using log = await open();
    await log.append([sampleEvent(1)]);
    await rename(file, `${file}.moved`);
    expect(log.health()).toEqual({ ok: true });
    expect(await refusalOf(log.append([sampleEvent(2)]))).toMatchObject({ reason: "LOG_UNAVAILABLE" });
    expect(log.health().ok).toBe(false);
    await rename(`${file}.moved`, file);
    expect(await log.append([sampleEvent(2), sampleEvent(3)])).toEqual({ appended: 1, duplicates: 1 });
    expect(log.health()).toEqual({ ok: true });
  });

  it("commits with a full sync in write-ahead mode", async () => {
    const ready = Promise.withResolvers<FromWriter>();
    await using log = await open({
      startWriter: (data) => startWriterThread(data).once("message", ready.resolve),
    });
    expect(await ready.promise).toMatchObject({
      kind: "ready",
      durability: { journalMode: "wal", synchronous: 2 },
    });
    expect(log.health().ok).toBe(true);
  });

  it("takes no note of other files", async () => {
    await using log = await open();
    await writeFile(join(directory, "notes"), "");
    timeMs += FILE_CHECK_INTERVAL_MS;
    expect(log.health()).toEqual({ ok: true });
  });
});
