import { once } from "node:events";
import { renameSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AdminListener } from "../src/server/admin-listener.ts";
import { WebhookListener } from "../src/server/webhook-listener.ts";
import { MemoryEventLog } from "./fixtures/memory-event-log.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "webhook-unix-"));
  path = join(folder, "listener.sock");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const LISTENERS = [
  [
    "webhook",
    () =>
      WebhookListener.start({ listen: { kind: "unix", path }, secret: undefined, log: new MemoryEventLog() }),
  ],
  ["admin", () => AdminListener.start({ listen: { kind: "unix", path }, checks: () => ({}) })],
] as const;

/** Leaves a socket behind that nobody listens on, as a process does that was killed. */
async function leaveSocket(): Promise<void> {
  const server = createServer();
  server.listen(path);
  await once(server, "listening");
  // Node removes the path of a server that closes; this one it does not find.
  renameSync(path, `${path}.kept`);
  server.close();
  await once(server, "close");
  renameSync(`${path}.kept`, path);
}

describe.each(LISTENERS)("the %s listener on a unix socket", (_name, start) => {
  it("is open to its owner only", async () => {
    await using _listener = await start();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("takes over a socket that a killed process left", async () => {
    await leaveSocket();
    await using listener = await start();
    expect(listener.address).toEqual({ kind: "unix", path });
  });

  it("does not take one that answers", async () => {
    await using _first = await start();
    await expect(start()).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});
