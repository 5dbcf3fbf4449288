import { copyFile, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NODE_FILES } from "../src/cli/node-files.ts";
import { decodeState } from "../src/eventlog/embedded/subscriptions/subscription-state.ts";
import { unpackOne } from "../src/eventlog/transfer/packed-event.ts";
import { cli, jsonLines } from "./cli-harness.ts";
import { type LogRig, report, startLogRig } from "./log-file-rig.ts";
import { FILLED_EVENTS, fillLog, itemsOf, readTransfer } from "./log-transfer-rig.ts";
import { plainRecord, sampleRecord } from "./submission-samples.ts";

let rig: LogRig;
let folder: string;
beforeEach(async () => {
  rig = await startLogRig();
  folder = await mkdtemp(join(tmpdir(), "infobip-rpc-transfer-"));
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function run(...flags: string[]) {
  return cli(["log", "export", "--format", "transfer", "--data-dir", rig.directory, ...flags]);
}

/** Rows of the log's file, fingerprints as text. */
function rows(sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(join(rig.directory, "events.db"), { readOnly: true });
  const found = database.prepare(sql).all();
  database.close();
  return found;
}

test("everything that the log holds is in the file", async () => {
  await fillLog(rig);
  await rig.close();
  const { exitCode, stdout, stdoutBytes, stderr } = await run();
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
  const { header, items } = await readTransfer(stdoutBytes);
  const counts = { events: FILLED_EVENTS, subscriptions: 2, deadLetters: 2, submissions: 2, answers: 2 };
  expect(header).toEqual({
    logId: rig.log.id,
    earliest: 2,
    head: 8,
    lastSubmissionNumber: 3,
    exportTimeMs: expect.any(Number),
    counts,
  });
  expect(stderr).toBe(
    "6 events, 2 subscriptions, 2 dead letters, 2 submissions, 2 answers exported, " +
      `${stdoutBytes.length} bytes\n`,
  );
  const kinds = items.map(({ kind }) => kind);
  expect(kinds).toEqual([
    ...Array<string>(FILLED_EVENTS).fill("event"),
    ...["subscription", "subscription", "deadLetter", "deadLetter"],
    ...["submission", "submission", "answer", "answer"],
  ]);
});

test("an event is told by its sequence, time, mark, columns, fingerprint and bytes as they came", async () => {
  await fillLog(rig);
  await rig.close();
  const { items } = await readTransfer((await run()).stdoutBytes);
  const stored = rows(
    "SELECT sequence, record_time, superseded, type, channel, final, rank, occur_time, message_id, bulk_id, " +
      "sender, destination, application_id, entity_id, encoded, raw, CAST(fingerprint AS TEXT) AS fingerprint " +
      "FROM events ORDER BY sequence",
  );
  const told = itemsOf(items, "event").map((event) => {
    const { columns: c, fingerprint, encoded, raw, superseded } = unpackOne(event.packed);
    const row = stored.find(({ sequence }) => sequence === event.sequence);
    // What the log has put behind the event is its time, and its mark.
    const storedBytes = Buffer.from(row?.encoded as Uint8Array);
    expect(storedBytes.subarray(0, encoded.length).equals(encoded)).toBe(true);
    expect(storedBytes.length - encoded.length).toBe(superseded ? 11 : 8);
    return {
      ...{ sequence: event.sequence, record_time: event.recordTimeMs, superseded: Number(superseded) },
      ...{
        type: c.type,
        channel: c.channel,
        final: Number(c.final),
        rank: c.rank,
        occur_time: c.occurTimeMs,
      },
      ...{ message_id: c.messageId, bulk_id: c.bulkId, sender: c.sender, destination: c.destination },
      ...{ application_id: c.applicationId, entity_id: c.entityId, raw: raw.toString() },
      fingerprint: String(Buffer.from(fingerprint).readBigInt64LE()),
    };
  });
  expect(told).toEqual(
    stored.map(({ encoded: _encoded, raw, ...row }) => ({
      ...row,
      raw: Buffer.from(raw as Uint8Array).toString(),
    })),
  );
  expect(told.map(({ sequence, superseded }) => [sequence, superseded])).toContainEqual([6, 1]);
});

test("subscriptions, dead letters of removed events, submissions and answers are told whole", async () => {
  await fillLog(rig);
  await rig.close();
  const { items } = await readTransfer((await run()).stdoutBytes);
  const subscriptions = itemsOf(items, "subscription");
  expect(subscriptions.map(({ id, state }) => [id, decodeState(state).position])).toEqual([
    ["audit", 8],
    ["orders", 5],
  ]);
  const letters = itemsOf(items, "deadLetter");
  const common = { subscriptionId: "orders", attempts: 5, deadTimeMs: 1_800_000_000_000 };
  expect(letters).toMatchObject([
    { ...common, sequence: 1, failure: "NACK", redriven: false },
    { ...common, sequence: 4, failure: "LEASE_EXPIRED", redriven: true },
  ]);
  expect(letters.map(({ packed }) => JSON.parse(unpackOne(packed).raw.toString()))).toEqual([
    report(1),
    report(4),
  ]);
  const submissions = itemsOf(items, "submission").map(({ record }) => plainRecord(record));
  expect(submissions).toEqual([
    plainRecord(sampleRecord(1, { state: 3, outcome: Buffer.alloc(100_000, "o"), attempts: 1 })),
    plainRecord(sampleRecord(2)),
  ]);
  const answers = itemsOf(items, "answer").map(({ requestId, saveTimeMs, payloadHash, response }) => {
    const hash = Buffer.from(payloadHash).toString("hex");
    return { requestId, saveTimeMs, hash, response: Buffer.from(response).toString() };
  });
  const [firstTime, secondTime] = rows("SELECT save_time FROM answers ORDER BY number");
  expect(answers).toEqual([
    { requestId: "request-1", saveTimeMs: firstTime?.save_time, hash: "01".repeat(32), response: "first" },
    { requestId: "request-2", saveTimeMs: secondTime?.save_time, hash: "02".repeat(32), response: "second" },
  ]);
});

test("the same log gives the same file but for the time, and an empty one gives a file too", async () => {
  await rig.close();
  const empty = await readTransfer((await run()).stdoutBytes);
  expect(empty).toMatchObject({ header: { earliest: 0, head: 0, counts: { events: 0 } }, items: [] });
  await using other = await startLogRig();
  await fillLog(other);
  await other.close();
  const once = () => cli(["log", "export", "--format", "transfer", "--data-dir", other.directory]);
  const [first, second] = [
    await readTransfer((await once()).stdoutBytes),
    await readTransfer((await once()).stdoutBytes),
  ];
  expect(first.items).toEqual(second.items);
});

describe("while a service writes the log", () => {
  test("the export is refused, and says what to do", async () => {
    await rig.receive(report(1));
    const human = await run();
    expect(human).toMatchObject({ exitCode: 2, stdout: "" });
    expect(human.stdoutBytes).toHaveLength(0);
    expect(human.stderr).toMatch(/EVENT_LOG_IN_USE.*a service writes the event log.*stop it first/);
  });

  test("a copy without its lock can be exported", async () => {
    await rig.receive(report(1));
    await rig.close();
    await copyFile(join(rig.directory, "events.db"), join(folder, "events.db"));
    const { exitCode, stdoutBytes } = await cli([
      "log",
      "export",
      "--format",
      "transfer",
      "--data-dir",
      folder,
    ]);
    expect(exitCode).toBe(0);
    expect((await readTransfer(stdoutBytes)).items).toHaveLength(1);
  });

  test("no service can be started on the log until the export has ended", async () => {
    await rig.receive(report(1));
    await rig.close();
    const ended = new Promise<unknown>((resolve) => {
      const files = {
        ...NODE_FILES,
        create: async () => {
          await startLogOn(rig.directory).then(() => resolve("started"), resolve);
          return { write: async () => undefined, [Symbol.asyncDispose]: async () => undefined };
        },
      };
      void cli(["log", "export", "--format", "transfer", "--data-dir", rig.directory, "--output", "x"], {
        files,
      });
    });
    expect(await ended).toMatchObject({ reason: "IN_USE" });
  });
});

async function startLogOn(directory: string): Promise<void> {
  const { openEmbeddedLog } = await import("../src/eventlog/embedded/open-embedded-log.ts");
  await using _log = await openEmbeddedLog({ directory });
}

test("--output writes a file for its owner only, and --json tells the counts", async () => {
  await fillLog(rig);
  await rig.close();
  const path = join(folder, "log.transfer");
  const { exitCode, stderr } = await run("--output", path, "--json");
  const bytes = await readFile(path);
  expect(exitCode).toBe(0);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(jsonLines(stderr)).toEqual([
    {
      ...{ event: "exported", events: 6, subscriptions: 2, dead_letters: 2, submissions: 2, answers: 2 },
      ...{ bytes: bytes.length, complete: true },
    },
  ]);
  expect((await readTransfer(bytes)).items).toHaveLength(14);
  expect((await run("--output", path)).stderr).toContain("--force");
});

test("a part of the log, a terminal, or the data directory itself are refused", async () => {
  await rig.close();
  for (const flags of [
    ["--raw"],
    ["--limit", "3"],
    ["--from", "2026-05-04"],
    ["--until", "2026-05-04"],
    ["--type", "click"],
    ["--message-id", "m"],
  ]) {
    const { exitCode, stderr } = await run(...flags);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringContaining("writes everything"),
    });
  }
  const terminal = await cli(["log", "export", "--format", "transfer", "--data-dir", rig.directory], {
    isTTY: true,
  });
  expect(terminal).toMatchObject({ exitCode: 2, stdout: "" });
  expect(terminal.stderr).toContain("--output");
  expect((await run("--output", join(rig.directory, "x"))).stderr).toContain("elsewhere");
  expect((await run("--format", "xml")).exitCode).toBe(2);
});

test("a log with a lost or changed event is not exported as if it were whole", async () => {
  await fillLog(rig);
  await rig.close();
  rig.damage("UPDATE events SET record_time = record_time + 1 WHERE sequence = 5");
  const changed = await run();
  expect(changed.exitCode).toBe(1);
  expect(changed.stderr).toMatch(/TRANSFER_UNREADABLE.*event 5.*log verify/);
  await expect(readTransfer(changed.stdoutBytes)).rejects.toMatchObject({ reason: "CUT_OFF" });
  rig.damage("UPDATE events SET record_time = record_time - 1 WHERE sequence = 5");
  rig.damage("DELETE FROM events WHERE sequence = 4");
  expect((await run()).stderr).toContain("event 4 ");
});

test("after a signal the file is not whole, and that is told", async () => {
  await fillLog(rig);
  await rig.close();
  const signal = AbortSignal.abort();
  const args = ["log", "export", "--format", "transfer", "--data-dir", rig.directory, "--json"];
  const { exitCode, stderr } = await cli(args, { signal });
  expect(exitCode).toBe(1);
  expect(jsonLines(stderr)).toMatchObject([{ event: "exported", complete: false }]);
});
