import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { EXIT } from "../src/cli/exit-codes.ts";
import { streamState } from "../src/nats/streams.ts";
import { cli, jsonLines } from "./cli-harness.ts";
import { decodeEvent, READ_ALL, sampleEvents } from "./event-log-samples.ts";
import { startLogProcess } from "./fixtures/jetstream-rig.ts";
import { report, startLogRig } from "./log-file-rig.ts";
import { inPieces } from "./log-import-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

const MAIN = new URL("../src/main.ts", import.meta.url).pathname;

let server: NatsServer;
const children: ChildProcess[] = [];

function start(args: readonly string[]) {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH, NODE_COMPILE_CACHE } });
  children.push(child);
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  // A child that is killed leaves its pipe to break.
  child.stdin.on("error", () => undefined);
  const exited = once(child, "close").then(([code]) => code as number | null);
  return { child, exited, stdout: () => Buffer.concat(chunks), stderr: () => stderr };
}

/** The settings that an import and a service have in common. */
function streamArgs(prefix: string): string[] {
  return [
    ...["--json", "--eventlog-url", server.url, "--nats-prefix", prefix, "--nats-replicas", "1"],
    ...[
      "--eventlog-retention-age",
      "1h",
      "--eventlog-retention-bytes",
      "256MiB",
      "--nats-dedupe-window",
      "10m",
    ],
    // Servers reserve what streams may take.
    ...["--nats-subscriptions-bytes", "16MiB", "--sending-request-id-bytes", "16MiB"],
    ...["--submissions-max-bytes", "16MiB", "--submissions-max-waiting", "1000"],
  ];
}

function importArgs(prefix: string): string[] {
  return ["log", "import", ...streamArgs(prefix)];
}

function serveArgs(prefix: string, directory: string): string[] {
  const listeners = ["grpc", "http", "webhook", "admin"].flatMap((name) => [
    `--${name}-listen`,
    "127.0.0.1:0",
  ]);
  const upstream = ["--upstream-base-url", "http://127.0.0.1:9", "--upstream-api-key", "key"];
  return ["serve", ...streamArgs(prefix), "--data-dir", directory, ...listeners, ...upstream];
}

describeNats("log export and import as processes", () => {
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  afterEach(() => {
    for (const child of children.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
  });

  test("an import that is killed twice comes to the same in the end", { timeout: 60_000 }, async () => {
    await using rig = await startLogRig();
    for (let from = 1; from <= 5_000; from += 500) await rig.log.append(sampleEvents(from, from + 499));
    await rig.log.removeThrough(200);
    const before = await rig.log.read(200, READ_ALL);
    await rig.close();
    const exporter = start(["log", "export", "--format", "transfer", "--data-dir", rig.directory]);
    exporter.child.stdin.end();
    expect({ code: await exporter.exited, stderr: exporter.stderr() }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^4800 events, .* exported, \d+ bytes\n$/),
    });
    const file = exporter.stdout();

    const prefix = uniquePrefix();
    await using target = await startLogProcess(server.url, prefix);
    const lastSequence = () =>
      streamState(target.link, target.stream).then(
        (state) => state.lastSequence,
        () => 0,
      );
    for (const share of [0.4, 0.8]) {
      const reached = await lastSequence();
      const importer = start(importArgs(prefix));
      importer.child.stdin.write(file.subarray(0, file.length * share));
      await expect.poll(lastSequence, { timeout: 15_000, interval: 5 }).toBeGreaterThan(reached);
      importer.child.kill("SIGKILL");
      expect(await importer.exited).toBeNull();
    }
    const importer = start(importArgs(prefix));
    await pipeline(Readable.from(inPieces(file)), importer.child.stdin);
    expect({ code: await importer.exited, stderr: importer.stderr() }).toEqual({ code: 0, stderr: "" });
    const [summary] = jsonLines(importer.stdout().toString());
    expect(summary).toMatchObject({ complete: true, events: 4_800, earliest: 200, head: 5_000 });
    expect(summary?.events_there_before).toBeGreaterThan(0);
    const log = await target.open();
    expect((await log.read(200, READ_ALL)).records.map(plain)).toEqual(before.records.map(plain));
  });

  test("one is piped into the other", async () => {
    await using rig = await startLogRig();
    await rig.log.append(sampleEvents(1, 3_000));
    await rig.close();
    const exporter = start(["log", "export", "--format", "transfer", "--data-dir", rig.directory]);
    const importer = start(importArgs(uniquePrefix()));
    exporter.child.stdout?.pipe(importer.child.stdin);
    expect(await Promise.all([exporter.exited, importer.exited])).toEqual([0, 0]);
  });

  test("a service starts on a log once it is whole, and its clients go on with their cursors", {
    timeout: 60_000,
  }, async () => {
    await using rig = await startLogRig();
    await rig.receive(report(1), report(2));
    await rig.receive(report(3), report(4));
    const { records } = await rig.log.read(0, READ_ALL);
    await rig.close();
    const exporter = start(["log", "export", "--format", "transfer", "--data-dir", rig.directory]);
    await exporter.exited;
    const file = exporter.stdout();
    const prefix = uniquePrefix();

    const cut = start(importArgs(prefix));
    cut.child.stdin.end(file.subarray(0, file.length - 1));
    expect({ code: await cut.exited, stderr: cut.stderr() }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("TRANSFER_CUT_OFF"),
    });
    const early = start(serveArgs(prefix, join(rig.directory, "early")));
    expect(await early.exited).toBe(EXIT.startFailed);
    expect(early.stderr()).toContain("EVENT_STREAM_IMPORTING");

    const importer = start(importArgs(prefix));
    importer.child.stdin.end(file);
    expect(await importer.exited).toBe(0);
    const service = start(serveArgs(prefix, join(rig.directory, "service")));
    const [line] = await once(createInterface(service.child.stdout), "line");
    const { grpc } = JSON.parse(String(line));
    const cursor = String(records[1] && decodeEvent(records[1]).cursor);
    const watched = await cli(["watch", "--target", grpc, "--from", cursor, "--max", "2", "--json"]);
    expect(jsonLines(watched.stdout).map((event) => [event.sequence, event.messageId])).toEqual([
      ["3", "message-3"],
      ["4", "message-4"],
    ]);
  });
});

function plain(record: { readonly encoded: Uint8Array }) {
  return { ...record, encoded: Buffer.from(record.encoded).toString("latin1") };
}
