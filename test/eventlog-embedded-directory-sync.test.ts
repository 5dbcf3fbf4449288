import * as fs from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { prepareLogFiles } from "../src/eventlog/embedded/log-files.ts";

vi.mock("node:fs", { spy: true });

it("syncs the directory of new files, so that a power failure does not take them away", async () => {
  const directory = await mkdtemp(join(tmpdir(), "eventlog-"));
  const opened = vi.mocked(fs.openSync).mock;
  const synced = vi.mocked(fs.fsyncSync).mock;
  try {
    prepareLogFiles(directory);
    const at = opened.calls.findIndex(([path]) => path === directory);
    expect(synced.calls).toEqual([[opened.results[at]?.value]]);
    prepareLogFiles(directory);
    expect(synced.calls).toHaveLength(1);
  } finally {
    await rm(directory, { recursive: true });
  }
});
