import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { OnExpired, StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { ServiceError } from "../src/errors.ts";
import { FakeService } from "./cli-fake-service.ts";
import { cli, jsonLines } from "./cli-harness.ts";

const started = (headCursor = "c9") => ({
  frame: { case: "started" as const, value: { cursor: "c0", headCursor } },
});
const event = (cursor: string) => ({
  id: `e-${cursor}`,
  cursor,
  type: EventType.DELIVERY_REPORT,
  channel: Channel.SMS,
  messageId: "m-1\u001B[2J",
  destination: "41790000001",
  final: true,
  payload: { case: "deliveryReport" as const, value: { status: { groupName: "DELIVERED" } } },
  rawBody: Buffer.from('{"a":1}'),
});
const events = (...cursors: string[]) => ({
  frame: { case: "events" as const, value: { events: cursors.map(event) } },
});
const progress = (cursor: string, lagEvents: bigint) => ({
  frame: { case: "progress" as const, value: { cursor, lagEvents } },
});
const unavailable = new ServiceError(Code.Unavailable, "DRAINING", "the service stops");
const cursors = (stdout: string) => jsonLines(stdout).map((line) => line.cursor);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-watch-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("--max stops after that many events, in the middle of a frame too", async () => {
  await using fake = await FakeService.start({
    streams: [{ frames: [started(), events("c1", "c2", "c3")], ending: "wait" }],
  });
  const { exitCode, stdout } = await cli(["watch", "--target", fake.target, "--max", "2", "--json"]);
  expect(exitCode).toBe(0);
  expect(cursors(stdout)).toEqual(["c1", "c2"]);
  expect(jsonLines(stdout)[0]).toMatchObject({
    id: "e-c1",
    deliveryReport: { status: { groupName: "DELIVERED" } },
  });
});

test("text for people shows one line an event, harmless to the terminal, with --raw the webhook item", async () => {
  await using fake = await FakeService.start({
    streams: [{ frames: [started(), events("c1")], ending: "wait" }],
  });
  const { stdout } = await cli(["watch", "--target", fake.target, "--max", "1", "--raw"]);
  expect(stdout).toMatch(
    /^time \(UTC\).*\n.*SMS +DELIVERED +final +41790000001 +m-1\\x1b\[2J\n {2}\{"a":1\}\n$/,
  );
  expect(fake.watches[0]?.includeRawBody).toBe(true);
});

describe("--until-head", () => {
  test.each([
    ["the head was reached at the start", [started("c0")], []],
    ["the event at the head came", [started("c2"), events("c1", "c2", "c3")], ["c1", "c2"]],
    [
      "progress says that nothing is left to match",
      [started("c9"), events("c1"), progress("c8", 1n), progress("c9", 0n)],
      ["c1"],
    ],
  ])("ends when %s", async (_, frames, expected) => {
    await using fake = await FakeService.start({ streams: [{ frames, ending: "wait" }] });
    const { exitCode, stdout } = await cli(["watch", "--target", fake.target, "--until-head", "--json"]);
    expect(exitCode).toBe(0);
    expect(cursors(stdout)).toEqual(expected);
  });
});

test.each([
  ["earliest", { case: "start", value: StartPosition.EARLIEST }],
  ["latest", { case: "start", value: StartPosition.LATEST }],
  ["2026-05-04T09:30:00Z", { case: "startTime", value: expect.objectContaining({ seconds: 1777887000n }) }],
  ["some-cursor", { case: "cursor", value: "some-cursor" }],
])("--from %s", async (from, expected) => {
  await using fake = await FakeService.start({ streams: [{ frames: [started("c0")], ending: "wait" }] });
  await cli(["watch", "--target", fake.target, "--from", from, "--until-head"]);
  expect(fake.watches[0]?.from).toEqual(expected);
});

test("all filter flags reach the request", async () => {
  await using fake = await FakeService.start({ streams: [{ frames: [started("c0")], ending: "wait" }] });
  const flags = [
    ...[
      "--type",
      "delivery_report,seen-report",
      "--channel",
      "sms",
      "--channel",
      "VIBER_BM",
      "--message-id",
      "m,1",
    ],
    ...["--bulk-id", "b", "--sender", "s", "--destination", "d", "--application-id", "a", "--entity-id", "e"],
    ...["--final-only", "--resume-expired", "--until-head"],
  ];
  const { exitCode } = await cli(["watch", "--target", fake.target, ...flags]);
  expect(exitCode).toBe(0);
  expect(fake.watches[0]).toMatchObject({
    onExpired: OnExpired.RESUME,
    filter: {
      types: [EventType.DELIVERY_REPORT, EventType.SEEN_REPORT],
      channels: [Channel.SMS, Channel.VIBER_BM],
      messageIds: ["m,1"],
      bulkIds: ["b"],
      senders: ["s"],
      destinations: ["d"],
      applicationIds: ["a"],
      entityIds: ["e"],
      finalOnly: true,
    },
  });
});

test("a lost stream is opened again after the last event, so that nothing is missed or repeated", async () => {
  await using fake = await FakeService.start({
    streams: [
      { frames: [started(), events("c1", "c2")], ending: unavailable },
      { frames: [started(), progress("c3", 5n)], ending: "end" },
      { frames: [started(), events("c4")], ending: "wait" },
    ],
  });
  const { exitCode, stdout, stderr } = await cli(["watch", "--target", fake.target, "--max", "3", "--json"]);
  expect(exitCode).toBe(0);
  expect(cursors(stdout)).toEqual(["c1", "c2", "c4"]);
  expect(fake.watches.map(({ from }) => from.value)).toEqual([StartPosition.LATEST, "c2", "c3"]);
  expect(stderr).toContain("connection lost (DRAINING)");
});

test("a stream that stays lost is given up after the time, exit code 4", async () => {
  const streams = [
    { frames: [started()], ending: unavailable },
    { frames: [], ending: unavailable },
  ];
  await using fake = await FakeService.start({ streams });
  const { exitCode, stderr } = await cli([
    "watch",
    "--target",
    fake.target,
    "--give-up-after",
    "150ms",
    "--json",
  ]);
  expect(exitCode).toBe(4);
  expect(jsonLines(stderr.split("\n").at(-2) ?? "")).toEqual([
    { error: expect.objectContaining({ reason: "DRAINING" }) },
  ]);
  expect(fake.watches.length).toBeGreaterThan(1);
});

test("a service that is not there at the start is exit code 4 at once", async () => {
  const fake = await FakeService.start({});
  await fake[Symbol.asyncDispose]();
  expect((await cli(["watch", "--target", fake.target])).exitCode).toBe(4);
});

test("a refused cursor is told with its reason, and not tried again", async () => {
  const error = new ServiceError(Code.OutOfRange, "CURSOR_EXPIRED", "too old", {
    metadata: { earliest_cursor: "c5" },
  });
  await using fake = await FakeService.start({ streams: [{ frames: [], ending: error }] });
  const { exitCode, stderr } = await cli(["watch", "--target", fake.target, "--from", "c1"]);
  expect(exitCode).toBe(1);
  expect(stderr).toBe("error OUT_OF_RANGE CURSOR_EXPIRED: too old\n  earliest_cursor: c5\n");
  expect(fake.watches).toHaveLength(1);
});

describe("--cursor-file", () => {
  test("keeps the position of the last printed event and goes on from it", async () => {
    const file = join(folder, "position");
    await using fake = await FakeService.start({
      streams: [{ frames: [started(), events("c1", "c2", "c3")], ending: "wait" }],
    });
    const args = [
      "watch",
      "--target",
      fake.target,
      "--cursor-file",
      file,
      "--from",
      "earliest",
      "--max",
      "2",
    ];
    expect((await cli(args)).exitCode).toBe(0);
    expect(await readFile(file, "utf8")).toBe("c2\n");
    expect(await readdir(folder)).toEqual(["position"]);
    await cli(args);
    expect(fake.watches.map(({ from }) => from.value)).toEqual([StartPosition.EARLIEST, "c2"]);
  });

  test("that cannot be read is exit code 2", async () => {
    const file = join(folder, "position");
    await writeFile(file, "x".repeat(5000));
    expect((await cli(["watch", "--target", "127.0.0.1:1", "--cursor-file", file])).exitCode).toBe(2);
  });
});

test("a signal ends the watch with exit code 0", async () => {
  await using fake = await FakeService.start({
    streams: [{ frames: [started(), events("c1")], ending: "wait" }],
  });
  const stop = new AbortController();
  const run = cli(["watch", "--target", fake.target, "--json"], {
    signal: stop.signal,
    onLine: () => stop.abort(),
  });
  expect(await run).toMatchObject({ exitCode: 0, stderr: "" });
});

test("colours are used on a terminal only, and not with NO_COLOR", async () => {
  await using fake = await FakeService.start({
    streams: [{ frames: [started(), events("c1")], ending: "wait" }],
  });
  const args = ["watch", "--target", fake.target, "--max", "1"];
  const ESCAPE = "\u001B[";
  expect((await cli(args, { isTTY: true })).stdout).toContain(ESCAPE);
  expect((await cli(args, { isTTY: true, environment: { NO_COLOR: "1" } })).stdout).not.toContain(ESCAPE);
  expect((await cli(args)).stdout).not.toContain(ESCAPE);
});
