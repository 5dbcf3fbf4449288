import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { EventSchema } from "../gen/infobip/events/v1/event_pb.js";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import { call, SEND, textMessage } from "./simulator-requests.ts";

const PROGRAM = new URL("./fixtures/pull-forever.ts", import.meta.url).pathname;

/** Runs the fetching process until its last page was not full, then kills it. Gives its lines. */
async function fetchAndDie(directory: string, baseUrl: string): Promise<string[]> {
  const child = spawn(process.execPath, [PROGRAM, directory, baseUrl], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  try {
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      if (line !== "2") break;
    }
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  return lines;
}

async function storedDestinations(directory: string): Promise<(string | undefined)[]> {
  await using log = await openEmbeddedLog({ directory });
  const { records } = await log.read(0, { limit: 100, maxBytes: 1024 * 1024, includeRaw: false });
  return records.map((record) => fromBinary(EventSchema, record.encoded).destination);
}

test("kill -9 between two fetches loses no report and doubles none", async () => {
  const directory = await mkdtemp(join(tmpdir(), "infobip-rpc-pull-"));
  await using simulator = createSimulator({ reportDelayMs: 0, stepDelayMs: 0 });
  const baseUrl = await simulator.start();
  const expected: string[] = [];
  try {
    for (let round = 0; round < 3; round++) {
      const numbers = [1, 2, 3].map((n) => `44790${round}${n}`);
      await call(baseUrl, "POST", SEND, { messages: [textMessage("SMS", numbers)] });
      await simulator.idle();
      expect(await fetchAndDie(directory, baseUrl)).toEqual(["2", "1"]);
      expected.push(...numbers);
    }
    expect(await storedDestinations(directory)).toEqual(expected);
    expect(simulator.stats().pendingReports).toBe(0);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
