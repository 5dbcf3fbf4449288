import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { watchUntil } from "./fixtures/watch-until.ts";

const MAIN = new URL("../src/main.ts", import.meta.url).pathname;
const SECRET = "a-secret-of-the-crash-test";
const ROUNDS = 3;

interface Ready {
  readonly grpc: string;
  readonly webhook: string;
}

let dataDir: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "infobip-rpc-crash-"));
});
afterEach(async () => {
  await kill();
  await rm(dataDir, { recursive: true, force: true });
});

async function serve(): Promise<Ready> {
  child = spawn(process.execPath, [MAIN, "serve", "--json"], {
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      INFOBIP_RPC_UPSTREAM_BASE_URL: "http://127.0.0.1:9",
      INFOBIP_RPC_UPSTREAM_API_KEY: "unused",
      INFOBIP_RPC_GRPC_LISTEN: "127.0.0.1:0",
      INFOBIP_RPC_HTTP_LISTEN: "127.0.0.1:0",
      INFOBIP_RPC_WEBHOOK_LISTEN: "127.0.0.1:0",
      INFOBIP_RPC_ADMIN_LISTEN: "127.0.0.1:0",
      INFOBIP_RPC_WEBHOOK_SECRET: SECRET,
      INFOBIP_RPC_DATA_DIR: dataDir,
      INFOBIP_RPC_LOG_LEVEL: "error",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (!child.stdout) throw new Error("the child has no stdout");
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return JSON.parse(line) as Ready;
}

async function kill(): Promise<void> {
  const running = child;
  child = undefined;
  if (!running || running.exitCode !== null || running.signalCode !== null) return;
  running.kill("SIGKILL");
  await once(running, "exit");
}

function deliver(ready: Ready, messageId: string): Promise<Response> {
  const report = {
    event: "DELIVERY",
    messageId,
    status: { groupId: 3, id: 5 },
    doneAt: "2026-01-02T03:04:05.000+0000",
  };
  return fetch(`http://${ready.webhook}/v1/delivery/${SECRET}`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify({ results: [report] }),
  });
}

describe("kill -9 right after a webhook got its 200", () => {
  it("loses no event, gives none twice, and takes a repeat of the webhook for what it is", async () => {
    const expected: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const ready = await serve();
      const messageId = `message-${round}`;
      expect((await deliver(ready, messageId)).status).toBe(200);
      expected.push(messageId);
      await kill();
    }
    const ready = await serve();
    expect((await deliver(ready, "message-0")).status).toBe(200);
    expect((await deliver(ready, "last")).status).toBe(200);
    const client = createClient(EventsService, createGrpcTransport({ baseUrl: `http://${ready.grpc}` }));
    const events = await watchUntil(
      client,
      { from: { case: "start", value: StartPosition.EARLIEST } },
      (all) => all.some((event) => event.messageId === "last"),
    );
    expect(events.map((event) => event.messageId)).toEqual([...expected, "last"]);
  });
});
