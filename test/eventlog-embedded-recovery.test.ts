import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { TRY_INTERVAL_MS, WriteTrouble } from "../src/eventlog/embedded/write-trouble.ts";
import { sampleEvent } from "./event-log-samples.ts";
import { FakeTimer } from "./watch-harness.ts";

describe("an embedded log whose commits fail", () => {
  it("tries by itself, and is well again once there is room, without any append", async () => {
    const directory = await mkdtemp(join(tmpdir(), "eventlog-"));
    const timer = new FakeTimer();
    const recovered = Promise.withResolvers<void>();
    try {
      await using log = await openEmbeddedLog({
        directory,
        timer,
        maxFileBytes: 400 * 1024,
        onRecovered: recovered.resolve,
      });
      let n = 0;
      const fill = async (): Promise<void> => {
        for (;;) await log.append([sampleEvent(++n, {}, "x".repeat(20_000))]);
      };
      await expect(fill()).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
      await log.removeThrough(8);
      expect(log.health().ok).toBe(false);
      timer.advance(TRY_INTERVAL_MS);
      await recovered.promise;
      expect(log.health()).toEqual({ ok: true });
      const { head } = log.bounds();
      expect(head).toBe(n - 1);
      expect(await log.append([sampleEvent(n)])).toEqual({ appended: 1, duplicates: 0 });
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe("WriteTrouble", () => {
  const start = () => {
    const timer = new FakeTimer();
    const calls: string[] = [];
    const trouble = new WriteTrouble({
      timer,
      attempt: (bytes) => calls.push(`try ${bytes}`),
      onTrouble: (error) => calls.push(`trouble ${error.message}`),
      onRecovered: () => calls.push("recovered"),
      onFailure: () => calls.push("failure"),
    });
    return { timer, calls, trouble, take: () => calls.splice(0) };
  };

  it("tells of trouble once, tries as much as failed every 5 s, and tells of the end once", () => {
    const { timer, trouble, take } = start();
    trouble.worked();
    expect([take(), timer.size]).toEqual([[], 0]);
    trouble.failed(new Error("full"), 300_000);
    expect(take()).toEqual(["trouble full", "failure"]);
    timer.advance(TRY_INTERVAL_MS - 1);
    expect(take()).toEqual([]);
    timer.advance(1);
    expect([take(), timer.size]).toEqual([["try 300000"], 0]);
    trouble.tried(new Error("still full"));
    expect([take(), trouble.error?.message]).toEqual([["failure"], "still full"]);
    timer.advance(TRY_INTERVAL_MS);
    expect(take()).toEqual(["try 300000"]);
    trouble.tried(undefined);
    expect([take(), trouble.error, timer.size]).toEqual([["recovered"], undefined, 0]);
    trouble.worked();
    expect(take()).toEqual([]);
  });

  it("bounds what a try stores", () => {
    const { trouble, take } = start();
    for (const [bytes, tried] of [
      [1, 65_536],
      [100_000_000, 8_388_608],
    ] as const) {
      trouble.failed(new Error("full"), bytes);
      trouble.tryNow();
      expect(take()).toContain(`try ${tried}`);
      trouble.tried(undefined);
      take();
    }
  });

  it("tries no second time while one is under way, and none when a commit worked or it was stopped", () => {
    const { timer, trouble, take } = start();
    trouble.tryNow();
    trouble.failed(new Error("full"), 1);
    trouble.tryNow();
    trouble.tryNow();
    trouble.failed(new Error("full"), 1);
    expect([take().filter((call) => call.startsWith("try")).length, timer.size]).toEqual([1, 0]);
    trouble.worked();
    trouble.tried(undefined);
    expect([take(), timer.size]).toEqual([["recovered"], 0]);
    trouble.failed(new Error("full"), 1);
    trouble.stop();
    expect(timer.size).toBe(0);
    trouble.tryNow();
    expect(take()).toEqual(["trouble full", "failure"]);
  });
});
