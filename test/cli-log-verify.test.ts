import { once } from "node:events";
import { copyFile, mkdir, open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { cli, jsonLines } from "./cli-harness.ts";
import { type LogRig, PENDING, report, startLogRig } from "./log-file-rig.ts";

let rig: LogRig;
beforeEach(async () => {
  rig = await startLogRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

/** Three messages; the second has a report that came too late, so event 4 is superseded. An item without an id is event 5. */
async function fill(): Promise<void> {
  await rig.receive(report(1), report(2), report(3));
  await rig.receive(report(2, PENDING), "no report at all");
  await rig.subscribe("orders", 3);
  await rig.log.subscriptions.commit([
    { kind: "bury", id: "orders", sequence: 2, attempts: 5, deadTimeMs: 1_800_000_000_000, failure: "NACK" },
  ]);
}

async function verify(...flags: string[]) {
  const { exitCode, stdout, stderr } = await cli([
    "log",
    "verify",
    "--data-dir",
    rig.directory,
    "--json",
    ...flags,
  ]);
  const [result] = jsonLines(stdout);
  return {
    exitCode,
    stderr,
    result: result ?? {},
    findings: (result?.findings ?? []) as Record<string, string>[],
  };
}

test("a sound log is sound, beside the service that writes it and without one", async () => {
  await fill();
  const sound = { sound: true, complete: true, events: 5, subscriptions: 1, dead_letters: 1, findings: [] };
  expect(await verify("--marks")).toMatchObject({ exitCode: 0, result: sound });
  await rig.receive(report(6));
  expect((await verify()).result).toMatchObject({ sound: true, events: 6 });
  await rig.close();
  expect(await verify("--marks")).toMatchObject({ exitCode: 0, result: { ...sound, events: 6 } });

  const shown = await cli(["log", "verify", "--data-dir", rig.directory]);
  expect(shown).toMatchObject({
    exitCode: 0,
    stdout: "sound 6 events, 1 subscriptions, 1 dead letters, 0 answers, 0 submissions\n",
  });
});

test("an empty log is sound, and so is one whose first events retention has removed", async () => {
  expect(await verify()).toMatchObject({ exitCode: 0, result: { events: 0 } });
  await rig.receive(report(1), report(2), report(2, PENDING));
  await rig.log.removeThrough(2);
  expect(await verify("--marks")).toMatchObject({ exitCode: 0, result: { events: 1, findings: [] } });
});

test("a copy that SQLite makes beside the running service is sound, and a log that can be opened", async () => {
  await fill();
  const copy = join(rig.directory, "copy");
  await mkdir(copy);
  const database = new DatabaseSync(join(rig.directory, "events.db"), { readOnly: true });
  database.exec(`VACUUM INTO '${join(copy, "events.db")}'`);
  database.close();
  expect(await cli(["log", "verify", "--data-dir", copy])).toMatchObject({
    exitCode: 0,
    stdout: "sound 5 events, 1 subscriptions, 1 dead letters, 0 answers, 0 submissions\n",
  });
  await using log = await openEmbeddedLog({ directory: copy });
  expect([log.id, log.bounds().head]).toEqual([rig.log.id, 5]);
});

test("the file is left as it is, byte for byte", async () => {
  await fill();
  await rig.close();
  const file = join(rig.directory, "events.db");
  const before = await readFile(file);
  await verify("--marks");
  expect(before.equals(await readFile(file))).toBe(true);
});

const UPDATE = "UPDATE events SET";
describe("damage is told with its place and exit code 1", () => {
  test.each([
    ["a missing event", "DELETE FROM events WHERE sequence = 2", "event 2", "missing"],
    ["missing last events", "DELETE FROM events WHERE sequence > 3", "events 4 to 5", "missing"],
    ["another type", `${UPDATE} type = 2 WHERE sequence = 1`, "event 1", "differs from its columns in type"],
    [
      "another message",
      `${UPDATE} message_id = 'x' WHERE sequence = 1`,
      "event 1",
      "differs from its columns in message_id",
    ],
    [
      "another fingerprint",
      `${UPDATE} fingerprint = 7 WHERE sequence = 1`,
      "event 1",
      "its id is not the one of its fingerprint",
    ],
    [
      "another raw body of an item without id",
      `${UPDATE} raw = x'00' WHERE sequence = 5`,
      "event 5",
      "its id is not the one of its fingerprint",
    ],
    [
      "a time that falls",
      `${UPDATE} record_time = 5 WHERE sequence = 3`,
      "event 3",
      "its record time is before that of the event before",
    ],
    [
      "a lost mark",
      `${UPDATE} superseded = 0 WHERE sequence = 4`,
      "event 4",
      "differs from its columns in superseded",
    ],
    [
      "bytes that are no event",
      `${UPDATE} encoded = x'ff' WHERE sequence = 3`,
      "event 3",
      "cannot be decoded",
    ],
    [
      "a state that is none",
      "UPDATE subscriptions SET state = x'ff'",
      "subscription orders",
      "its state cannot be decoded",
    ],
    [
      "a dead letter that is no event",
      "UPDATE dead_letters SET encoded = x'ff'",
      "dead letter 2 of subscription orders",
      "cannot be decoded",
    ],
    [
      "a dead letter of nobody",
      "DELETE FROM subscriptions",
      "dead letter 2 of subscription orders",
      "its subscription does not exist",
    ],
    ["a missing index", "DROP INDEX events_identity", "index events_identity", "is missing"],
    ["a foreign table", "CREATE TABLE mine (a)", "table mine", "is none of an event log"],
    [
      "a head before the last event",
      "UPDATE log_state SET last_record_time = 1",
      "state",
      "its last record time is before that of the last event",
    ],
  ])("%s", async (_title, sql, where, problem) => {
    await fill();
    await rig.close();
    rig.damage(sql);
    const { exitCode, result, findings } = await verify();
    expect(exitCode).toBe(1);
    expect(result.sound).toBe(false);
    expect(findings).toContainEqual({ where, problem });
  });

  test("a mark that is wrong in column and event alike, with --marks only", async () => {
    await fill();
    await rig.close();
    // Event 1 takes the place of event 4's message: its own delivery is then news before a pending one.
    rig.damage(`${UPDATE} rank = 7 WHERE sequence = 1; ${UPDATE} rank = 0 WHERE sequence = 4`);
    expect((await verify()).findings).toEqual([]);
    expect((await verify("--marks")).findings).toEqual([
      { where: "event 4", problem: "is marked as superseded and should not be" },
    ]);
  });

  test("an index that lacks an event", async () => {
    await fill();
    await rig.close();
    rig.damage(
      "DROP INDEX events_of_crowded; CREATE INDEX events_of_crowded ON events (sender) WHERE crowded = 1",
    );
    const { exitCode, findings } = await verify();
    expect(exitCode).toBe(1);
    expect(findings).toContainEqual({
      where: "index events_of_crowded",
      problem: "is not defined as this version defines it",
    });
  });

  test("a page of nonsense, found by SQLite", async () => {
    await rig.receive(...Array.from({ length: 200 }, (_, n) => report(n)));
    await rig.close();
    const file = await open(join(rig.directory, "events.db"), "r+");
    const { size } = await file.stat();
    await file.write(Buffer.alloc(4_096, 0x5a), 0, 4_096, Math.floor(size / 8_192) * 4_096);
    await file.close();
    const { exitCode, findings } = await verify();
    expect(exitCode).toBe(1);
    expect(findings[0]?.where).toBe("file");
  });

  test("at most 20 findings are listed, the rest is counted", async () => {
    await rig.receive(...Array.from({ length: 30 }, (_, n) => report(n)));
    await rig.close();
    rig.damage("UPDATE events SET channel = 3");
    const { result, findings } = await verify();
    expect(findings).toHaveLength(20);
    expect(result.findings_left_out).toBe(10);
    const shown = await cli(["log", "verify", "--data-dir", rig.directory]);
    expect(shown.stdout).toMatch(/^damaged 30 events/);
    expect(shown.stdout).toMatch(/\n {2}and 10 more\n$/);
  });
});

test("a signal ends the check, and nothing is said about the rest", async () => {
  await fill();
  const shown = await cli(["log", "verify", "--data-dir", rig.directory], { signal: AbortSignal.abort() });
  expect(shown).toMatchObject({ exitCode: 1 });
  expect(shown.stdout).toMatch(/^unknown 0 events.*; not everything was looked at\n$/);
});

test("while events are appended the check finds nothing wrong", async () => {
  await rig.close();
  const source = `
    const { workerData, parentPort } = require("node:worker_threads");
    import(workerData.module).then(async ({ startWriting }) => startWriting(workerData.directory, parentPort));
  `;
  const worker = new Worker(source, {
    eval: true,
    workerData: {
      module: new URL("./fixtures/write-and-remove.ts", import.meta.url).href,
      directory: rig.directory,
    },
  });
  try {
    await once(worker, "message");
    for (let round = 0; round < 5; round++) {
      const { exitCode, findings } = await verify("--marks");
      expect(findings).toEqual([]);
      expect(exitCode).toBe(0);
    }
  } finally {
    worker.postMessage("stop");
    await once(worker, "exit");
  }
});

test("what is no log at all is a wrong use, not damage", async () => {
  const missing = await cli(["log", "verify", "--data-dir", join(rig.directory, "nowhere"), "--json"]);
  expect(missing.exitCode).toBe(2);
  expect(jsonLines(missing.stderr)).toMatchObject([
    { error: { reason: "EVENT_LOG_INACCESSIBLE", exit_code: 2 } },
  ]);
  expect(await readdir(rig.directory)).not.toContain("nowhere");

  await rig.close();
  await copyFile(new URL(import.meta.url).pathname, join(rig.directory, "events.db"));
  expect(jsonLines((await verify()).stderr)).toMatchObject([{ error: { reason: "EVENT_LOG_NOT_A_LOG" } }]);
});

test("the data directory comes from flag, environment or file, and the other settings do not matter", async () => {
  const environment = { INFOBIP_RPC_DATA_DIR: rig.directory, INFOBIP_RPC_UPSTREAM_BASE_URL: "nonsense" };
  expect(await cli(["log", "verify"], { environment })).toMatchObject({ exitCode: 0 });
  const mistaken = await cli(["log", "verify"], { environment: { INFOBIP_RPC_DATADIR: rig.directory } });
  expect(mistaken).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("INFOBIP_RPC_DATADIR") });
});
