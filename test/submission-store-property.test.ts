import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import type { SubmissionCommit } from "../src/eventlog/submission-store.ts";
import { MemorySubmissionStore } from "./fixtures/memory-submission-store.ts";
import { arbitraryCommit, cleanCommit, contents } from "./submission-commits.ts";
import { commitTo } from "./submission-samples.ts";

it("an embedded store tells what one in memory does, after any commits", async () => {
  const directory = await mkdtemp(join(tmpdir(), "submissions-"));
  const log = await openEmbeddedLog({ directory });
  try {
    const check = async (
      commits: readonly Pick<SubmissionCommit, "records" | "removed">[],
    ): Promise<void> => {
      const memory = new MemorySubmissionStore();
      for (const changes of [cleanCommit(), ...commits]) {
        await Promise.all([commitTo(memory, changes), commitTo(log.submissions, changes)]);
        expect(await contents(log.submissions)).toEqual(await contents(memory));
      }
    };
    await fc.assert(fc.asyncProperty(fc.array(arbitraryCommit, { maxLength: 12 }), check), { numRuns: 30 });
  } finally {
    await log[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  }
});
