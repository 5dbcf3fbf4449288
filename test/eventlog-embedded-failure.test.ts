import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type EmbeddedLogOptions,
  openEmbeddedLog,
  startWriterThread,
} from "../src/eventlog/embedded/open-embedded-log.ts";
import { messageIds, sampleEvent, sampleEvents } from "./event-log-samples.ts";

describe("embedded log in trouble", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "eventlog-"));
  });

  afterEach(() => rm(directory, { recursive: true }));

  const open = (options: Partial<EmbeddedLogOptions> = {}) => openEmbeddedLog({ directory, ...options });

  it("refuses a batch over the limit of queued events, stores what it took, and takes more afterwards", async () => {
    await using log = await open({ maxQueuedEvents: 10 });
    const first = log.append(sampleEvents(1, 6));
    await expect(log.append(sampleEvents(7, 11))).rejects.toMatchObject({
      reason: "OVERLOADED",
      code: Code.ResourceExhausted,
    });
    const second = log.append(sampleEvents(7, 10));
    expect([await first, await second].map((r) => r.appended)).toEqual([6, 4]);
    await log.append(sampleEvents(11, 20));
    expect(log.bounds().head).toBe(20);
  });

  it("refuses a batch over the limit of queued bytes", async () => {
    await using log = await open({ maxQueuedBytes: 10_000 });
    const large = (n: number) => [sampleEvent(n, {}, "x".repeat(6_000))];
    const first = log.append(large(1));
    await expect(log.append(large(2))).rejects.toMatchObject({ reason: "OVERLOADED" });
    await first;
    expect(await log.append(large(2))).toEqual({ appended: 1, duplicates: 0 });
  });

  it("says LOG_UNAVAILABLE when the file is full, stores nothing of the batch, and recovers when there is room", async () => {
    await using log = await open({ maxFileBytes: 200 * 1024 });
    const large = (n: number) => sampleEvent(n, {}, "x".repeat(20_000));
    let stored = 0;
    const fill = async (): Promise<void> => {
      for (;;) stored += (await log.append([large(stored + 1)])).appended;
    };
    await expect(fill()).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE", code: Code.Unavailable });
    expect(stored).toBeGreaterThan(3);
    const batch = [sampleEvent(1_000), large(1_001)];
    await expect(log.append(batch)).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    expect(log.bounds().head).toBe(stored);
    await log.removeThrough(2);
    expect(await log.append(batch)).toEqual({ appended: 2, duplicates: 0 });
    const ids = await messageIds(log, 2);
    expect(ids.slice(-3)).toEqual([`m-${stored}`, "m-1000", "m-1001"]);
    expect(log.bounds()).toEqual({ earliest: 2, head: stored + 2 });
  });

  it("fails open and later appends when the writer dies, says so, still reads, and closes", async () => {
    let worker: Worker | undefined;
    const log = await open({
      startWriter: (data) => {
        worker = startWriterThread(data);
        return worker;
      },
    });
    await log.append([sampleEvent(1)]);
    await worker?.terminate();
    await expect(log.failed).resolves.toBeInstanceOf(Error);
    await expect(log.append([sampleEvent(2)])).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    await expect(log.removeThrough(1)).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    await log[Symbol.asyncDispose]();
    await using again = await open();
    expect(await messageIds(again)).toEqual(["m-1"]);
  });

  it("rejects the appends that wait when the writer dies", async () => {
    let worker: Worker | undefined;
    await using log = await open({
      startWriter: (data) => {
        worker = startWriterThread(data);
        return worker;
      },
    });
    const waiting = Promise.allSettled(Array.from({ length: 50 }, (_, i) => log.append([sampleEvent(i)])));
    await worker?.terminate();
    const results = await waiting;
    const rejected = results.filter((r) => r.status === "rejected");
    expect(rejected.length).toBeGreaterThan(0);
    for (const { reason } of rejected) expect(reason).toMatchObject({ reason: "LOG_UNAVAILABLE" });
  });
});
