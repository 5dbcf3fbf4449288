import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cli, jsonLines } from "./cli-harness.ts";

const MAIN = new URL("../src/main.ts", import.meta.url).pathname;

let folder: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-process-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

/** Starts the program; gives the first line of its output, parsed. */
async function start(args: readonly string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const exited = once(child, "exit") as Promise<[number | null, string | null]>;
  const [line] = (await Promise.race([once(createInterface(child.stdout), "line"), exited])) as [unknown];
  return {
    child,
    exited,
    ready: typeof line === "string" ? JSON.parse(line) : undefined,
    stderr: () => stderr,
  };
}

const serveArgs = (baseUrl: string) => [
  ...["serve", "--json", "--upstream-base-url", baseUrl, "--data-dir", folder],
  ...[
    "--grpc-listen",
    "127.0.0.1:0",
    "--http-listen",
    "127.0.0.1:0",
    "--webhook-listen",
    "127.0.0.1:0",
    "--admin-listen",
    "127.0.0.1:0",
  ],
];

test("simulate and serve print where they are; send reaches Infobip through them; signals end both with 0", async () => {
  const simulator = await start(["simulate", "--port", "0", "--json", "--api-key", "k-1"]);
  expect(simulator.ready).toEqual({
    event: "ready",
    base_url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
  });
  const service = await start(serveArgs(simulator.ready.base_url), { INFOBIP_RPC_UPSTREAM_API_KEY: "k-1" });
  expect(service.ready).toMatchObject({
    event: "ready",
    grpc: expect.any(String),
    admin: expect.any(String),
  });
  const sms = ["--channel", "sms", "--to", "41790099000", "--from", "Shop", "--text", "Secret words"];
  const sent = await cli(["send", "--target", service.ready.grpc, "--json", ...sms]);
  expect(sent).toMatchObject({ exitCode: 0, stderr: "" });
  expect(jsonLines(sent.stdout)).toEqual([expect.objectContaining({ outcome: "SEND_OUTCOME_SENT" })]);
  for (const { child, exited } of [service, simulator]) {
    child.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
  }
  expect(service.stderr()).not.toMatch(/41790099000|Secret words|k-1/);
});

test("a wrong configuration ends serve with 2, a port in use with 10", async () => {
  const wrong = await start(["serve", "--json"]);
  expect(await wrong.exited).toEqual([2, null]);
  const simulator = await start(["simulate", "--port", "0", "--json"]);
  const taken = new URL(simulator.ready.base_url).host;
  const args = [...serveArgs("http://127.0.0.1:9"), "--upstream-api-key", "k", "--http-listen", taken];
  const blocked = await start(args);
  expect(await blocked.exited).toEqual([10, null]);
  expect(jsonLines(blocked.stderr().split("\n").at(-2) ?? "")).toEqual([
    { error: expect.objectContaining({ exit_code: 10, reason: "ADDRESS_IN_USE" }) },
  ]);
});

test("the second signal ends the process at once with 130", async () => {
  const service = await start([...serveArgs("http://127.0.0.1:9"), "--upstream-api-key", "k"]);
  // An open stream keeps the drain going until its client has hung up.
  const stop = new AbortController();
  const { promise: interrupted, resolve } = Promise.withResolvers<void>();
  const watch = cli(["watch", "--target", service.ready.grpc], {
    signal: stop.signal,
    onLine: () => {
      service.child.kill("SIGINT");
      service.child.kill("SIGTERM");
      resolve();
    },
  });
  await interrupted;
  expect(await service.exited).toEqual([130, null]);
  stop.abort();
  await watch;
});

test("serve names the setting whose address is taken, and the log that is in use", async () => {
  const baseUrl = "http://127.0.0.1:9";
  const key = { INFOBIP_RPC_UPSTREAM_API_KEY: "k-1" };
  const first = await start(serveArgs(baseUrl), key);
  const sameData = await start(serveArgs(baseUrl), key);
  expect((await sameData.exited)[0]).toBe(10);
  expect(sameData.stderr()).toContain("EVENT_LOG_IN_USE");
  const other = serveArgs(baseUrl).map((arg) => (arg === folder ? join(folder, "other") : arg));
  const sameAddress = await start([...other, "--grpc-listen", first.ready.grpc], key);
  expect((await sameAddress.exited)[0]).toBe(10);
  expect(sameAddress.stderr()).toMatch(/ADDRESS_IN_USE.*grpc\.listen: cannot listen on 127\.0\.0\.1/);
});

test("serve outlives the readers of its output", async () => {
  const served = await start([...serveArgs("http://127.0.0.1:9"), "--log-level", "debug"], {
    INFOBIP_RPC_UPSTREAM_API_KEY: "k-1",
  });
  served.child.stdout?.destroy();
  served.child.stderr?.destroy();
  for (let round = 0; round < 3; round++) {
    expect((await fetch(`http://${served.ready.webhook}/v1/nope`, { method: "POST" })).status).toBe(404);
  }
  expect((await fetch(`http://${served.ready.admin}/readyz`)).status).toBe(200);
  served.child.kill("SIGTERM");
  expect((await served.exited)[0]).toBe(0);
});
