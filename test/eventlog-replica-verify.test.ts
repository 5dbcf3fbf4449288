import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { summariseLog } from "../src/eventlog/embedded/log-summary.ts";
import { ReadOnlyLog } from "../src/eventlog/embedded/read-only-log.ts";
import { verifyLog } from "../src/eventlog/embedded/verify/verify-log.ts";
import type { NewEvent } from "../src/eventlog/event-log.ts";
import { WebhookReceiver } from "../src/webhook/receiver.ts";
import { MemoryEventLog } from "./fixtures/memory-event-log.ts";
import { openReplica, replicaEntry } from "./fixtures/replica-event-log.ts";
import { bodyOf, deliveryReport } from "./fixtures/webhook-target.ts";

/** Events as webhooks bring them. */
async function receivedEvents(count: number): Promise<readonly NewEvent[]> {
  const log = new MemoryEventLog();
  const received: NewEvent[] = [];
  log.beforeAppend = (events) => void received.push(...events);
  const items = Array.from({ length: count }, (_, n) => deliveryReport({ messageId: `m-${n}` }));
  await new WebhookReceiver({ log, appendTimeoutMs: 5_000 }).receive(
    "delivery",
    Buffer.from(bodyOf(...items)),
  );
  expect(received).toHaveLength(count);
  return received;
}

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "replica-"));
  await using log = await openReplica(directory);
  const events = await receivedEvents(4);
  const entries = [3, 4, 10, 1_000].map((sequence, n) => replicaEntry(sequence, events[n] as NewEvent));
  await log.apply(entries, 2_000);
  await log.removeThrough(3);
});

afterEach(() => rm(directory, { recursive: true }));

const verify = async () => {
  using file = ReadOnlyLog.open(directory);
  const { signal } = new AbortController();
  return await verifyLog(file, { checkMarks: true, signal, onProgress: () => {} });
};

it("the check of a replica takes its gaps for what they are", async () => {
  expect(await verify()).toMatchObject({ findings: [], events: 3, isComplete: true });
});

it("the check of a replica finds what is wrong with it", async () => {
  const database = new DatabaseSync(join(directory, "replica.db"));
  database.exec("UPDATE events SET record_time = 1 WHERE sequence = 10; UPDATE replica_state SET events = 9");
  database.exec("CREATE TABLE theirs (x)");
  database.close();
  const { findings } = await verify();
  expect(findings.map(({ where }) => where)).toEqual(["table theirs", "event 10", "event 10", "state"]);
});

it("a replica can be summarised as a log can", () => {
  using file = ReadOnlyLog.open(directory);
  const { state, counts } = summariseLog(file);
  expect(state).toMatchObject({ logId: "00112233445566ff", earliest: 3, head: 2_000 });
  expect(counts.map(({ events }) => events)).toEqual([3]);
});
