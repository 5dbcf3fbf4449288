import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { describeSubmissionStoreContract } from "./submission-store-contract.ts";

describeSubmissionStoreContract("embedded", async () => {
  const directory = await mkdtemp(join(tmpdir(), "submissions-"));
  let log = await openEmbeddedLog({ directory });
  return {
    get log() {
      return log;
    },
    get store() {
      return log.submissions;
    },
    async reopen() {
      await log[Symbol.asyncDispose]();
      log = await openEmbeddedLog({ directory });
    },
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
});
