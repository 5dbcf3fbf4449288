import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EmbeddedEventLog } from "../src/eventlog/embedded/embedded-log.ts";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import type { NewEvent } from "../src/eventlog/event-log.ts";
import { StatusRank } from "../src/infobip/status-rank.ts";
import { READ_ALL, sampleEvent } from "./event-log-samples.ts";

const FLOOD = 100_000;
const BATCH = 5_000;
const { NONE, PENDING, DELIVERED } = StatusRank;

/** Clicks and late statuses of one message, between two statuses that count. */
function flood(from: number, to: number): NewEvent[] {
  return Array.from({ length: to - from + 1 }, (_, i) => {
    const n = from + i;
    const rank = n === 1 ? DELIVERED : n % 2 === 0 ? NONE : PENDING;
    return sampleEvent(n, { messageId: "flooded", rank, occurTimeMs: FLOOD * 2 - n });
  });
}

describe("a message with 100,000 events", () => {
  let directory: string;
  let log: EmbeddedEventLog;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "eventlog-"));
    log = await openEmbeddedLog({ directory });
    for (let n = 1; n <= FLOOD; n += BATCH) await log.append(flood(n, n + BATCH - 1));
    await log.append(Array.from({ length: 100 }, (_, i) => sampleEvent(FLOOD + 1 + i)));
  }, 60_000);

  afterAll(async () => {
    await log[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  /** CPU time of this process, microseconds; the least of five rounds of `work`. */
  const costOf = async (work: () => Promise<unknown>): Promise<number> => {
    const costs: number[] = [];
    for (let round = 0; round < 5; round++) {
      const start = process.cpuUsage();
      for (let n = 0; n < 20; n++) await work();
      const { user, system } = process.cpuUsage(start);
      costs.push(user + system);
    }
    return Math.min(...costs);
  };

  it("is read in pages that cost what pages of the log cost, wherever they begin", async () => {
    const options = { ...READ_ALL, limit: 100, includeRaw: true };
    const page = await costOf(() => log.read(FLOOD / 2, options));
    for (const after of [0, FLOOD / 2, FLOOD - 100]) {
      const result = await log.readMessage("flooded", after, options);
      expect(result.records.map((r) => r.sequence)).toEqual(
        Array.from({ length: 100 }, (_, i) => after + i + 1),
      );
      expect(await costOf(() => log.readMessage("flooded", after, options))).toBeLessThan(page * 5);
    }
  });

  it("has its status found among them", async () => {
    expect((await log.statusOf("flooded"))?.sequence).toBe(1);
    const ordinary = await costOf(() => log.statusOf(`m-${FLOOD + 1}`));
    expect(await costOf(() => log.statusOf("flooded"))).toBeLessThan(ordinary * 10 + 2_000);
  });

  it("takes more events at a bounded cost", async () => {
    const ordinary = Array.from({ length: 1_000 }, (_, i) => sampleEvent(FLOOD * 2 + i));
    const start = process.cpuUsage();
    await log.append(ordinary);
    const middle = process.cpuUsage(start);
    await log.append(flood(FLOOD + 1_000, FLOOD + 1_999));
    const end = process.cpuUsage(start);
    const [few, many] = [middle.user + middle.system, end.user + end.system - middle.user - middle.system];
    expect(many).toBeLessThan(few * 5);
  });
});
