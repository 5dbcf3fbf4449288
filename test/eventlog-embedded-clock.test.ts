import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { DEFAULT_RETENTION_AGE_MS, RETENTION_INTERVAL_MS } from "../src/eventlog/embedded/retention.ts";
import { CLOCK_PROOF_MS, MAX_CLOCK_STEP_MS } from "../src/eventlog/embedded/retention-clock.ts";
import { sampleEvents } from "./event-log-samples.ts";
import { FakeTimer } from "./watch-harness.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

describe("retention while the clock is set", () => {
  let directory: string;
  let timer: FakeTimer;
  let timeMs: number;
  let monotonicMs: number;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "eventlog-"));
    timer = new FakeTimer();
    timeMs = Date.UTC(2026, 4, 4);
    monotonicMs = 0;
  });

  afterEach(() => rm(directory, { recursive: true }));

  const open = () =>
    openEmbeddedLog({ directory, timer, now: () => timeMs, monotonicNow: () => monotonicMs });
  const pass = (ms: number): void => {
    timeMs += ms;
    monotonicMs += ms;
  };
  const check = async (): Promise<void> => {
    timer.advance(RETENTION_INTERVAL_MS);
    await timer.idle();
  };

  it("removes nothing for a clock that goes wrong by days and is put right within the hour", async () => {
    await using log = await open();
    await log.append(sampleEvents(1, 100));
    timeMs += 30 * DAY_MS;
    await check();
    pass(CLOCK_PROOF_MS - 1);
    await log.append(sampleEvents(101, 110));
    await check();
    expect(log.bounds()).toEqual({ earliest: 0, head: 110 });
    timeMs -= 30 * DAY_MS;
    await check();
    pass(CLOCK_PROOF_MS);
    await check();
    expect(log.bounds().earliest).toBe(0);
  });

  it("believes a clock that keeps to a step forward for an hour", async () => {
    await using log = await open();
    await log.append(sampleEvents(1, 100));
    timeMs += DEFAULT_RETENTION_AGE_MS + MAX_CLOCK_STEP_MS + 1;
    await check();
    await log.append(sampleEvents(101, 110));
    pass(CLOCK_PROOF_MS);
    await check();
    await vi.waitFor(() => expect(log.bounds()).toEqual({ earliest: 100, head: 110 }));
  });

  it("goes by the time that has passed while it does not believe the clock", async () => {
    await using log = await open();
    await log.append(sampleEvents(1, 100));
    pass(DEFAULT_RETENTION_AGE_MS - 1_000);
    await check();
    await log.append(sampleEvents(101, 110));
    timeMs += 2 * DEFAULT_RETENTION_AGE_MS;
    await check();
    expect(log.bounds().earliest).toBe(0);
    pass(1_001);
    await check();
    await vi.waitFor(() => expect(log.bounds().earliest).toBe(100));
  });
});
