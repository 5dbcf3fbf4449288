import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NODE_FILES } from "../src/cli/node-files.ts";
import { runCli } from "../src/cli/run-cli.ts";
import { cli, jsonLines, NO_PROCESS } from "./cli-harness.ts";
import { type LogRig, PENDING, report, startLogRig } from "./log-file-rig.ts";

let rig: LogRig;
beforeEach(async () => {
  rig = await startLogRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

async function exportEvents(...flags: string[]) {
  const { exitCode, stdout, stderr } = await cli(["log", "export", "--data-dir", rig.directory, ...flags]);
  const events = jsonLines(stdout);
  return { exitCode, stderr, events, ids: events.map((event) => event.messageId) };
}

/** Six reports, stored at 10:00:00, 10:00:01 and 10:00:02. */
async function fill(): Promise<void> {
  await rig.receive(report(1), report(2));
  await rig.receive(report(3), report(4));
  await rig.receive(report(2, PENDING), {
    ...report(5),
    event: "SEEN",
    seenAt: "2026-05-04T09:30:09.000+0000",
  });
}

test("every event comes in order, as its JSON, beside the running service", async () => {
  await fill();
  const { exitCode, stderr, events, ids } = await exportEvents();
  expect(exitCode).toBe(0);
  expect(stderr).toBe("6 events exported\n");
  expect(ids).toEqual([1, 2, 3, 4, 2, 5].map((n) => `message-${n}`));
  expect(events.map((event) => event.sequence)).toEqual(["1", "2", "3", "4", "5", "6"]);
  expect(events[4]).toMatchObject({
    type: "EVENT_TYPE_DELIVERY_REPORT",
    recordTime: "2026-05-04T10:00:02Z",
    superseded: true,
    cursor: expect.stringMatching(/^[\w-]+$/),
    deliveryReport: { status: { groupId: 1 } },
  });
  expect(events[0]).not.toHaveProperty("rawBody");
});

test("with --raw each event has the item as it came", async () => {
  await rig.receive(report(1));
  const { events } = await exportEvents("--raw");
  const raw = Buffer.from(String(events[0]?.rawBody), "base64").toString();
  expect(JSON.parse(raw)).toEqual(report(1));
});

describe("the range", () => {
  test("of times ends before the one and begins with the other, so that days fit together", async () => {
    await fill();
    const middle = "2026-05-04T10:00:01Z";
    expect((await exportEvents("--until", middle)).ids).toEqual(["message-1", "message-2"]);
    expect((await exportEvents("--from", middle)).ids).toHaveLength(4);
    expect((await exportEvents("--from", middle, "--until", "2026-05-04T10:00:02Z")).ids).toEqual([
      "message-3",
      "message-4",
    ]);
    expect((await exportEvents("--from", "2026-05-05")).events).toEqual([]);
  });

  test("of cursors begins after the one and ends with the other", async () => {
    await fill();
    const { events } = await exportEvents();
    const [from, until] = [events[1]?.cursor, events[3]?.cursor].map(String) as [string, string];
    expect((await exportEvents("--from", from, "--until", until)).ids).toEqual(["message-3", "message-4"]);
    expect((await exportEvents("--from", until, "--until", from)).events).toEqual([]);
  });

  test("is refused when the cursor is of another log, damaged, or too old", async () => {
    await fill();
    const { events } = await exportEvents();
    const cursor = String(events[0]?.cursor);
    await rig.log.removeThrough(2);
    const refused = await exportEvents("--from", cursor, "--json");
    expect(jsonLines(refused.stderr)).toMatchObject([{ error: { reason: "CURSOR_EXPIRED" } }]);
    expect((await exportEvents("--from", "nonsense")).stderr).toContain("CURSOR_MALFORMED");
    await using other = await startLogRig();
    const foreign = await cli(["log", "export", "--data-dir", other.directory, "--from", cursor]);
    expect(foreign.stderr).toContain("CURSOR_FOREIGN_LOG");
    expect([refused.exitCode, foreign.exitCode]).toEqual([1, 1]);
  });
});

test("events can be chosen by type and message, and their number limited", async () => {
  await fill();
  expect((await exportEvents("--type", "seen_report")).ids).toEqual(["message-5"]);
  expect((await exportEvents("--message-id", "message-2")).events.map((event) => event.sequence)).toEqual([
    "2",
    "5",
  ]);
  expect(
    (await exportEvents("--message-id", "message-2", "--from", "2026-05-04T10:00:01Z")).ids,
  ).toHaveLength(1);
  expect((await exportEvents("--message-id", "message-1", "--message-id", "message-4")).ids).toEqual([
    "message-1",
    "message-4",
  ]);
  expect((await exportEvents("--message-id", "message-1", "--type", "seen_report")).events).toEqual([]);
  const limited = await exportEvents("--limit", "3");
  expect(limited.ids).toEqual(["message-1", "message-2", "message-3"]);
  expect(limited.stderr).toBe("3 events exported\n");
  expect((await exportEvents("--type", "seen_reprot")).stderr).toContain("did you mean SEEN_REPORT");
});

test("more events than one read holds come all, once, also of one message", async () => {
  const expected: string[] = [];
  for (let from = 0; from < 1_200; from += 300) {
    const items = Array.from({ length: 300 }, (_, n) => report(from + n));
    await rig.receive(...items);
    expected.push(...items.map((item) => String(item.messageId)));
  }
  await rig.receive(
    ...Array.from({ length: 600 }, (_, n) => report(7, { ...PENDING, doneAt: new Date(n).toISOString() })),
  );
  const all = await exportEvents();
  expect(all.ids.slice(0, 1_200)).toEqual(expected);
  expect(all.stderr).toBe("1800 events exported\n");
  expect((await exportEvents("--message-id", "message-7")).events).toHaveLength(601);
});

describe("an output file", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "infobip-rpc-export-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test("holds the events, for its owner only, and is not replaced without --force", async () => {
    await fill();
    const path = join(folder, "events.jsonl");
    const first = await exportEvents("--output", path);
    expect(first).toMatchObject({ exitCode: 0, events: [], stderr: "6 events exported\n" });
    expect(jsonLines(await readFile(path, "utf8"))).toHaveLength(6);
    expect((await stat(path)).mode & 0o777).toBe(0o600);

    await writeFile(path, "precious");
    const second = await exportEvents("--output", path, "--json");
    expect(second.exitCode).toBe(2);
    expect(jsonLines(second.stderr)).toMatchObject([{ error: { reason: "OUTPUT_NOT_WRITABLE" } }]);
    expect(await readFile(path, "utf8")).toBe("precious");

    const third = await exportEvents("--output", path, "--force", "--limit", "1", "--json");
    expect(jsonLines(third.stderr)).toEqual([{ event: "exported", events: 1, complete: true }]);
    expect(jsonLines(await readFile(path, "utf8"))).toHaveLength(1);
  });

  test("is never one of the log's own", async () => {
    await fill();
    const refused = await exportEvents("--output", join(rig.directory, "events.db"), "--force");
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("data directory") });
    expect((await exportEvents()).events).toHaveLength(6);
  });
});

test("when the reader of the pipe goes, the export ends without a failure and counts what has left", async () => {
  for (let round = 0; round < 3; round++) {
    await rig.receive(...Array.from({ length: 500 }, (_, n) => report(round * 1_000 + n)));
  }
  let stderr = "";
  let writes = 0;
  const gone = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
  const exitCode = await runCli({
    args: ["log", "export", "--data-dir", rig.directory],
    environment: {},
    stdin: (async function* () {})(),
    stdout: { write: (_text, done) => done(++writes > 1 ? gone : null) },
    stderr: {
      write: (text, done) => {
        stderr += text;
        done();
      },
    },
    signal: new AbortController().signal,
    files: NODE_FILES,
    clock: { now: Date.now, random: () => 0, sleep: async () => {} },
    process: NO_PROCESS,
    freePort: async () => 0,
  });
  expect(exitCode).toBe(0);
  expect(writes).toBe(2);
  expect(stderr).toBe("500 events exported\n");
});

test("a signal stops it, and the exit code says that it is not all", async () => {
  await fill();
  const stopped = await cli(["log", "export", "--data-dir", rig.directory], { signal: AbortSignal.abort() });
  expect(stopped).toMatchObject({ exitCode: 1, stderr: "0 events exported; stopped before the end\n" });
});

test("an event that cannot be decoded is named", async () => {
  await fill();
  await rig.close();
  rig.damage("UPDATE events SET encoded = x'ff' WHERE sequence = 4");
  const { exitCode, stderr } = await exportEvents();
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/EVENT_UNREADABLE: event 4 cannot be decoded; log verify/);
});
