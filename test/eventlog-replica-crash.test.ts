import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, it } from "vitest";
import { messageIds } from "./event-log-samples.ts";
import { openReplica } from "./fixtures/replica-event-log.ts";

const FIXTURE = new URL("./fixtures/apply-forever.ts", import.meta.url).pathname;
/** Positions after which the process is killed; the last ones lie past a checkpoint. */
const KILL_AT = [100, 1_100, 12_000, 30_000];

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "replica-"));
});

afterEach(() => rm(directory, { recursive: true }));

it("a replica whose process is killed goes on from a position up to which it has everything", async () => {
  for (const killAt of KILL_AT) {
    const child = spawn(process.execPath, [FIXTURE, directory], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    let confirmed = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      confirmed = Number(line);
      if (confirmed >= killAt) child.kill("SIGKILL");
    }
    expect((await exited)[1]).toBe("SIGKILL");

    await using log = await openReplica(directory, { onRebuilt: (reason) => expect.fail(reason) });
    const { position } = log;
    expect(confirmed).toBeGreaterThanOrEqual(killAt);
    // One call may have been committed without its confirmation getting out.
    expect(position - confirmed).toBeOneOf([0, 100]);
    const expected = Array.from({ length: position / 2 }, (_, n) => `m-${2 * n + 1}`);
    expect(await messageIds(log)).toEqual(expected);
    expect((await log.stats()).events).toBe(expected.length);
  }
}, 60_000);
