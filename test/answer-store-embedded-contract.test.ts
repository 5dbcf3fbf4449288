import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EmbeddedEventLog } from "../src/eventlog/embedded/embedded-log.ts";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { describeAnswerStoreContract } from "./answer-store-contract.ts";
import { ManualTimer } from "./fixtures/manual-timer.ts";

describeAnswerStoreContract("embedded", async (limits) => {
  const directory = await mkdtemp(join(tmpdir(), "answers-"));
  const timer = new ManualTimer();
  const open = (): Promise<EmbeddedEventLog> =>
    openEmbeddedLog({
      directory,
      answers: limits,
      timer,
      now: timer.wallClock,
      monotonicNow: timer.now,
    });
  let log = await open();
  return {
    get store() {
      return log.answers;
    },
    advance: (ms) => timer.advance(ms),
    async reopen() {
      await log[Symbol.asyncDispose]();
      log = await open();
    },
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
});
