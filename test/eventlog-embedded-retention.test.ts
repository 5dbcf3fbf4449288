import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { EmbeddedEventLog } from "../src/eventlog/embedded/embedded-log.ts";
import {
  type EmbeddedLogOptions,
  openEmbeddedLog,
  startWriterThread,
} from "../src/eventlog/embedded/open-embedded-log.ts";
import { REMOVE_STEP_BYTES, REMOVE_STEP_EVENTS } from "../src/eventlog/embedded/removal-step.ts";
import { RETENTION_CHECK_BYTES, RETENTION_INTERVAL_MS } from "../src/eventlog/embedded/retention.ts";
import type { FromWriter, ToWriter } from "../src/eventlog/embedded/writer-messages.ts";
import { messageIds, sampleEvent, sampleEvents } from "./event-log-samples.ts";
import { FakeTimer } from "./watch-harness.ts";

const MIB = 1024 * 1024;

describe("retention of an embedded log", () => {
  let directory: string;
  let timer: FakeTimer;
  let timeMs: number;
  let failures: Error[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "eventlog-"));
    timer = new FakeTimer();
    timeMs = 1_000_000;
    failures = [];
  });

  afterEach(() => rm(directory, { recursive: true }));

  const open = (options: Partial<EmbeddedLogOptions> = {}) =>
    openEmbeddedLog({
      directory,
      timer,
      now: () => timeMs,
      onRetentionFailed: (error) => failures.push(error),
      ...options,
    });
  const large = (n: number) => sampleEvent(n, {}, "x".repeat(20_000));
  const check = (): void => timer.advance(RETENTION_INTERVAL_MS);
  /** Lets the writer's messages through, but for removals from the `n`-th on while `fails`. */
  const failingRemovals = (n: number) => {
    const state = { fails: true, steps: 0 };
    const startWriter: EmbeddedLogOptions["startWriter"] = (data) => {
      const worker = startWriterThread(data);
      const post = worker.postMessage.bind(worker);
      worker.postMessage = (message: ToWriter, transfer) => {
        if (message.kind !== "remove" || ++state.steps < n || !state.fails)
          return post(message, transfer as ArrayBuffer[]);
        const failure = { code: "SQLITE_IOERR", text: "disk I/O error" };
        worker.emit("message", { kind: "removeFailed", failure } satisfies FromWriter);
      };
      return worker;
    };
    return { state, startWriter };
  };

  it("removes what is older than the limit, check by check, and may leave nothing", async () => {
    await using log = await open({ retention: { ageMs: 60_000 } });
    expect((await log.stats()).retention).toEqual({ ageMs: 60_000, bytes: 10 * 1024 * MIB });
    await log.append(sampleEvents(1, 2_500));
    timeMs += 30_000;
    await log.append(sampleEvents(2_501, 2_510));
    timeMs += 30_000;
    check();
    await timer.idle();
    expect(log.bounds().earliest).toBe(0);
    timeMs += 1;
    check();
    await vi.waitFor(() => expect(log.bounds()).toEqual({ earliest: 2_500, head: 2_510 }));
    await timer.idle();
    timeMs += 60_000;
    check();
    await vi.waitFor(() => expect(log.bounds()).toEqual({ earliest: 2_510, head: 2_510 }));
    expect(await log.append([sampleEvent(2_511)])).toEqual({ appended: 1, duplicates: 0 });
    expect(failures).toEqual([]);
  });

  it("removes the oldest beyond the limit of bytes, and no more than it must", async () => {
    await using log = await open({ retention: { bytes: 40 * MIB } });
    for (let n = 0; n < 25; n++) await log.append(Array.from({ length: 80 }, (_, i) => large(n * 80 + i)));
    const before = await log.stats();
    expect(before.sizeBytes).toBeGreaterThan(39 * MIB);
    for (let n = 25; (await log.stats()).sizeBytes <= 40 * MIB; n++)
      await log.append(Array.from({ length: 80 }, (_, i) => large(n * 80 + i)));
    check();
    await vi.waitFor(() => expect(timer.size).toBe(1));
    const { sizeBytes, events } = await log.stats();
    expect(sizeBytes).toBeLessThanOrEqual(40 * MIB * 0.95);
    expect(sizeBytes).toBeGreaterThan(40 * MIB * 0.95 - 2 * REMOVE_STEP_BYTES);
    expect(events).toBe(log.bounds().head - log.bounds().earliest);
  });

  it("does not wait for its time when events come fast, so that they find room", async () => {
    const troubles: Error[] = [];
    await using log = await open({ retention: { bytes: MIB }, onTrouble: (error) => troubles.push(error) });
    for (let n = 0; n < 8; n++) {
      for (let m = 0; m < 15; m++)
        await log.append(Array.from({ length: 50 }, (_, i) => large((n * 15 + m) * 50 + i)));
      expect((await log.stats()).sizeBytes).toBeLessThan(MIB + 2 * RETENTION_CHECK_BYTES);
    }
    expect(troubles).toEqual([]);
  });

  it("makes room at once when an append finds the file full, and commits work again without one", async () => {
    const recovered = Promise.withResolvers<void>();
    const troubles: Error[] = [];
    await using log = await open({
      maxFileBytes: 6 * MIB,
      retention: { bytes: 5 * MIB },
      onTrouble: (error) => troubles.push(error),
      onRecovered: recovered.resolve,
    });
    let n = 0;
    const fill = async (): Promise<void> => {
      for (;;) await log.append([large(++n)]);
    };
    await expect(fill()).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    expect(log.health()).toMatchObject({ ok: false, reason: expect.stringContaining("SQLITE_FULL") });
    await recovered.promise;
    expect(log.health()).toEqual({ ok: true });
    expect(troubles).toMatchObject([{ name: "LogWriteError", code: "SQLITE_FULL" }]);
    expect(await log.append([large(n)])).toEqual({ appended: 1, duplicates: 0 });
    expect(log.bounds().earliest).toBeGreaterThan(0);
  });

  it("lets appends through between the steps of a removal", async () => {
    await using log = await open();
    await log.append(sampleEvents(1, 6 * REMOVE_STEP_EVENTS));
    const removed = log.removeThrough(6 * REMOVE_STEP_EVENTS);
    await log.append([sampleEvent(10_000)]);
    expect(log.bounds().earliest).toBeLessThan(6 * REMOVE_STEP_EVENTS);
    await removed;
    expect(await messageIds(log, 6 * REMOVE_STEP_EVENTS)).toEqual(["m-10000"]);
  });

  it("ends a step after 4 MiB, whatever the number of events", async () => {
    const steps: number[] = [];
    await using log = await open({
      startWriter: (data) =>
        startWriterThread(data).on("message", (message: FromWriter) => {
          if (message.kind === "removed") steps.push(Number(message.result));
        }),
    });
    for (let n = 1; n <= 10; n++) await log.append([sampleEvent(n, {}, "x".repeat(1.5 * MIB))]);
    await log.removeThrough(10);
    expect(steps).toEqual([3, 6, 9, 10]);
  });

  it("never names an earliest position before which events are still kept", async () => {
    const earliest = new Set<number>();
    const opened: { log?: EmbeddedEventLog } = {};
    opened.log = await open({
      startWriter: (data) => {
        const worker = startWriterThread(data);
        const post = worker.postMessage.bind(worker);
        worker.postMessage = (message: ToWriter, transfer) => {
          if (message.kind === "remove") earliest.add(opened.log?.bounds().earliest ?? -1);
          post(message, transfer as ArrayBuffer[]);
        };
        return worker;
      },
    });
    await using log = opened.log;
    for (let n = 1; n <= 10; n++) await log.append([sampleEvent(n, {}, "x".repeat(1.5 * MIB))]);
    await log.removeThrough(10);
    expect([...earliest]).toEqual([3, 6, 9, 10]);
  });

  it("says the same as the file when a step fails half-way, and goes on from there", async () => {
    const { state, startWriter } = failingRemovals(3);
    const log = await open({ startWriter });
    await log.append(sampleEvents(1, 5_000));
    await expect(log.removeThrough(4_500)).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    const earliest = 2 * REMOVE_STEP_EVENTS;
    expect(log.bounds()).toEqual({ earliest, head: 5_000 });
    expect(await messageIds(log, earliest)).toHaveLength(5_000 - earliest);
    state.fails = false;
    await Promise.all([log.removeThrough(4_500), log.removeThrough(3_000), log.removeThrough(4_000)]);
    expect(log.bounds()).toEqual({ earliest: 4_500, head: 5_000 });
    await log[Symbol.asyncDispose]();
    await using again = await open();
    expect(again.bounds()).toEqual({ earliest: 4_500, head: 5_000 });
    expect(await messageIds(again, 4_500)).toHaveLength(500);
  });

  it("tells of a check that failed and does its work with the next one", async () => {
    const { state, startWriter } = failingRemovals(2);
    await using log = await open({ startWriter, retention: { ageMs: 1 } });
    await log.append(sampleEvents(1, 3_000));
    timeMs += 10;
    check();
    await vi.waitFor(() => expect(failures).toHaveLength(1));
    expect(failures[0]).toMatchObject({ reason: "LOG_UNAVAILABLE", cause: { code: "SQLITE_IOERR" } });
    expect(log.bounds().earliest).toBe(REMOVE_STEP_EVENTS);
    await timer.idle();
    state.fails = false;
    check();
    await vi.waitFor(() => expect(log.bounds().earliest).toBe(3_000));
    expect(failures).toHaveLength(1);
  });

  it("stops with the log, in the middle of its work", async () => {
    const log = await open({ retention: { ageMs: 1 } });
    await log.append(sampleEvents(1, 5_000));
    timeMs += 10;
    check();
    await log[Symbol.asyncDispose]();
    expect(timer.size).toBe(0);
    expect(failures).toEqual([]);
    await using again = await open();
    expect(again.bounds().earliest).toBeLessThan(5_000);
  });
});
