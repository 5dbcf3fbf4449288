import { afterEach, beforeEach, expect, test } from "vitest";
import { cli, jsonLines } from "./cli-harness.ts";
import { type LogRig, PENDING, report, startLogRig } from "./log-file-rig.ts";

let rig: LogRig;
beforeEach(async () => {
  rig = await startLogRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

test("an empty log has no events and no times", async () => {
  const { exitCode, stdout } = await cli(["log", "stats", "--data-dir", rig.directory, "--json"]);
  expect(exitCode).toBe(0);
  expect(jsonLines(stdout)).toMatchObject([
    { log_id: rig.log.id, earliest: 0, head: 0, events: 0, by_kind: [], subscriptions: [], dead_letters: 0 },
  ]);
  expect(Object.keys(jsonLines(stdout)[0] ?? {})).not.toContain("first_time");
});

test("range, kinds, storage and subscriptions are told, beside the running service", async () => {
  await rig.receive(report(1), report(2), report(3, { channel: "WHATSAPP" }));
  await rig.receive(report(2, PENDING), "no report at all");
  await rig.log.removeThrough(1);
  await rig.subscribe("billing", 5);
  await rig.subscribe("orders", 3);
  await rig.log.subscriptions.commit([
    { kind: "bury", id: "orders", sequence: 3, attempts: 5, deadTimeMs: 1_800_000_002_000, failure: "NACK" },
    { kind: "bury", id: "orders", sequence: 2, attempts: 5, deadTimeMs: 1_800_000_001_000, failure: "NACK" },
  ]);

  const { exitCode, stdout } = await cli(["log", "stats", "--data-dir", rig.directory, "--json"]);

  expect(exitCode).toBe(0);
  const [summary] = jsonLines(stdout);
  expect(summary).toMatchObject({
    log_id: rig.log.id,
    earliest: 1,
    head: 5,
    events: 4,
    first_time: "2026-05-04T10:00:00.000Z",
    last_time: "2026-05-04T10:00:01.000Z",
    by_kind: [
      { type: "DELIVERY_REPORT", channel: "SMS", events: 2, final: 1, superseded: 1 },
      { type: "DELIVERY_REPORT", channel: "WHATSAPP", events: 1, final: 1, superseded: 0 },
      { type: "UNPARSED", channel: "UNSPECIFIED", events: 1, final: 0, superseded: 0 },
    ],
    subscriptions: [
      { id: "billing", position: 5, lag: 0, unsettled: 0, dead_letters: 0 },
      {
        id: "orders",
        position: 3,
        lag: 2,
        unsettled: 0,
        dead_letters: 2,
        oldest_dead_letter: "2027-01-15T08:00:01.000Z",
      },
    ],
    dead_letters: 2,
    oldest_dead_letter: "2027-01-15T08:00:01.000Z",
  });
  const storage = summary?.storage as Record<string, number>;
  expect(storage.used_bytes).toBe((await rig.log.stats()).sizeBytes);
  expect(storage.wal_bytes).toBeGreaterThan(0);
  expect(summary?.bytes_per_event).toBe(Math.round((storage.used_bytes ?? 0) / 4));
});

test("people get tables, in which what others have written cannot move the cursor", async () => {
  await rig.receive(report(1));
  await rig.subscribe("a\u001b[2Jb", 0);
  const { stdout } = await cli(["log", "stats", "--data-dir", rig.directory]);
  expect(stdout).toMatch(/^log id +[0-9a-f]{16}\nrange +0 to 1\n/);
  expect(stdout).toMatch(/\nDELIVERY_REPORT {2}SMS {6}1 {7}1 {6}0\n/);
  expect(stdout).toContain("a\\x1b[2Jb");
});

test("a subscription whose state is damaged is named, and the rest is told", async () => {
  await rig.subscribe("orders", 0);
  await rig.close();
  rig.damage("UPDATE subscriptions SET state = x'ff'");
  const { exitCode, stdout } = await cli(["log", "stats", "--data-dir", rig.directory]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/\norders {8}unreadable/);
});
