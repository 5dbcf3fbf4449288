import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { messageIds, sampleEvent, sampleEvents } from "./event-log-samples.ts";

const FIXTURE = new URL("./fixtures/append-forever.ts", import.meta.url).pathname;

describe("embedded log and a killed process", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "eventlog-"));
  });

  afterEach(() => rm(directory, { recursive: true }));

  it("is locked while another process writes it; after kill -9 everything confirmed is there, and repeats are still refused", async () => {
    const child = spawn(process.execPath, [FIXTURE, directory], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    let confirmed = 0;
    let refusal: unknown;
    for await (const line of createInterface({ input: child.stdout })) {
      confirmed = Number(line);
      if (confirmed === 10) refusal = await openEmbeddedLog({ directory }).catch((error: unknown) => error);
      if (confirmed === 30) child.kill("SIGKILL");
    }
    expect((await exited)[1]).toBe("SIGKILL");
    expect(refusal).toMatchObject({ name: "EventLogOpenError", reason: "IN_USE" });

    await using log = await openEmbeddedLog({ directory });
    const { head } = log.bounds();
    expect(confirmed).toBeGreaterThanOrEqual(30);
    // One append may have been committed without its confirmation getting out.
    expect(head - confirmed).toBeOneOf([0, 1]);
    expect(await messageIds(log)).toEqual(sampleEvents(1, head).map((e) => e.columns.messageId));
    expect(await log.append([sampleEvent(1), sampleEvent(head), sampleEvent(head + 1)])).toEqual({
      appended: 1,
      duplicates: 2,
    });
  });
});
