import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

beforeEach(() => {
  vi.resetModules();
  vi.doMock("node:fs", { spy: true });
});
afterEach(() => {
  vi.doUnmock("node:fs");
  vi.resetModules();
});

it("syncs the directory of new files, so that a power failure does not take them away", async () => {
  const fs = await import("node:fs");
  const { prepareLogFiles } = await import("../src/eventlog/embedded/log-files.ts");
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
