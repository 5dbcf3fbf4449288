import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadConfig } from "../src/config/load-config.ts";
import type { EmbeddedEventLog } from "../src/eventlog/embedded/embedded-log.ts";
import { openEmbeddedLog } from "../src/eventlog/embedded/open-embedded-log.ts";
import { createService } from "../src/service.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "infobip-rpc-failure-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

function config() {
  const listeners = ["grpc", "http", "webhook", "admin"].map(
    (name) => [`--${name}-listen`, "127.0.0.1:0"] as const,
  );
  return loadConfig({
    flags: new Map([
      ...listeners,
      ["--upstream-base-url", "http://127.0.0.1:9"],
      ["--upstream-api-key", "unused"],
      ["--data-dir", dataDir],
    ]),
    environment: {},
    readTextFile: () => Promise.reject(new Error("no files")),
  });
}

it("fails, and is not ready any more, when the log can no longer be written", async () => {
  const writerEnded = Promise.withResolvers<Error>();
  const openLog = async (...options: Parameters<typeof openEmbeddedLog>): Promise<EmbeddedEventLog> => {
    const log = await openEmbeddedLog(...options);
    Object.defineProperty(log, "failed", { value: writerEnded.promise });
    return log;
  };
  await using service = createService(await config(), { openLog });
  const { admin } = await service.start();
  expect((await fetch(`http://${admin}/readyz`)).status).toBe(200);
  const reason = new Error("the writer ended");
  writerEnded.resolve(reason);
  await expect(service.waitUntilFailed).rejects.toBe(reason);
  expect(service.state).toBe("FAILED");
  expect((await fetch(`http://${admin}/readyz`)).status).toBe(503);
});

it("leaves nothing open when it cannot start", async () => {
  const openLog = (): Promise<EmbeddedEventLog> => Promise.reject(new Error("no log"));
  const service = createService(await config(), { openLog });
  await expect(service.start()).rejects.toThrow("no log");
  expect(service.state).toBe("FAILED");
  await using second = createService(await config());
  await second.start();
  expect(second.state).toBe("RUNNING");
});
