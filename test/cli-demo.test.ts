import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { NODE_FILES } from "../src/cli/node-files.ts";
import { cli, jsonLines } from "./cli-harness.ts";

test("demo ends by itself with every message final, on at least five channels", async () => {
  const folders: string[] = [];
  const makeTemporaryFolder = async () => {
    const folder = await NODE_FILES.makeTemporaryFolder();
    folders.push(folder);
    return folder;
  };
  const files = { ...NODE_FILES, makeTemporaryFolder };
  const { exitCode, stdout, stderr } = await cli(["demo", "--messages", "17", "--json"], { files });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const lines = jsonLines(stdout);
  expect(lines[0]).toMatchObject({ event: "ready", grpc: expect.stringMatching(/^127\.0\.0\.1:\d+$/) });
  // One of the 17 is refused at once.
  expect(lines.at(-1)).toMatchObject({
    event: "summary",
    requested: 17,
    accepted: 16,
    final: 16,
    repeated: 0,
    missing: [],
  });
  const events = lines
    .filter((line) => line.event === "event")
    .map((line) => line.data as Record<string, unknown>);
  expect(new Set(events.map((event) => event.channel)).size).toBeGreaterThanOrEqual(5);
  expect(new Set(events.map((event) => event.type))).toEqual(
    new Set([
      "EVENT_TYPE_SEND_RESULT",
      "EVENT_TYPE_DELIVERY_REPORT",
      "EVENT_TYPE_SEEN_REPORT",
      "EVENT_TYPE_INBOUND_MESSAGE",
    ]),
  );
  expect(folders.map((folder) => existsSync(folder))).toEqual([false]);
});

test("demo for people ends with a table, a funnel and what to try, without escape codes off a terminal", async () => {
  const { exitCode, stdout } = await cli(["demo", "--messages", "4"]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /channel +messages +DELIVERED.*\nRCS +1 .*\nSMS +2 .*\nWHATSAPP +1 .*\ntotal +4 +4 /,
  );
  expect(stdout).toMatch(/sent over gRPC +█+ 4 100%\n/);
  expect(stdout).toMatch(/4\/4 final, \d+ events, 0 repeated/);
  expect(stdout).toContain("/infobip.messages.v1.MessagesService/SendMessages");
  expect(stdout).not.toContain("\u001B");
});

test("demo names the messages whose reports are missing when the time is up", async () => {
  const { exitCode, stdout, stderr } = await cli(["demo", "--messages", "2", "--timeout", "1ms", "--json"]);
  expect(exitCode).toBe(5);
  const [line] = jsonLines(stderr) as { error: { reason: string; violations: object[] } }[];
  expect(line?.error.reason).toBe("REPORT_MISSING");
  expect(line?.error.violations).toContainEqual(expect.objectContaining({ field: "demo-0002" }));
  expect(jsonLines(stdout).at(-1)).toMatchObject({ event: "summary", missing: expect.any(Array) });
});

test("demo refuses more messages than it can show", async () => {
  expect((await cli(["demo", "--messages", "10001"])).exitCode).toBe(2);
});
