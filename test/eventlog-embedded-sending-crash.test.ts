import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { ReadOnlyLog } from "../src/eventlog/embedded/read-only-log.ts";
import { Findings } from "../src/eventlog/embedded/verify/findings.ts";
import { verifyAnswers, verifySubmissions } from "../src/eventlog/embedded/verify/verify-sending.ts";
import { verifyPages } from "../src/eventlog/embedded/verify/verify-structure.ts";
import { plainAnswer, sampleAnswer } from "./answer-samples.ts";
import { messageIds } from "./event-log-samples.ts";
import { stepsDone, stepsIn } from "./submission-samples.ts";

const FIXTURE = new URL("./fixtures/submit-forever.ts", import.meta.url).pathname;
const ROUNDS = 3;

describe("submissions and answers of a killed process", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "eventlog-"));
  });

  afterEach(() => rm(directory, { recursive: true }));

  it.each(Array.from({ length: ROUNDS }, (_, round) => 15 + round * 12))(
    "are there once they were confirmed, and agree with the events, after kill -9 at commit %i",
    async (killAt) => {
      const child = spawn(process.execPath, [FIXTURE, directory], { stdio: ["ignore", "pipe", "inherit"] });
      const exited = once(child, "exit");
      let confirmed = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        confirmed = Number(line);
        if (confirmed === killAt) child.kill("SIGKILL");
      }
      expect((await exited)[1]).toBe("SIGKILL");

      await using log = await openEmbeddedLog({ directory });
      const { head } = log.bounds();
      expect(confirmed).toBeGreaterThanOrEqual(killAt);
      // One commit may have been stored without its confirmation getting out.
      expect(head - confirmed).toBeOneOf([0, 1]);
      expect(await messageIds(log)).toEqual(Array.from({ length: head }, (_, n) => `m-${n + 1}`));
      expect(await stepsIn(log)).toEqual(stepsDone(head));
      for (let n = 1; n <= confirmed; n++)
        expect(plainAnswer(await log.answers.find(`answer-${n}`))).toEqual(plainAnswer(sampleAnswer(n)));
      expect(await log.answers.find(`answer-${confirmed + 2}`)).toBeUndefined();
      using file = ReadOnlyLog.open(directory);
      const findings = new Findings();
      verifyPages(file.database, findings);
      verifyAnswers(file.database, findings);
      verifySubmissions(file.database, findings);
      expect(findings.listed).toEqual([]);
    },
  );
});
