import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { createSimulator, type Simulator } from "../src/simulator/simulator.ts";
import { type ServeProcess, startServe } from "./fixtures/serve-process.ts";

const TEXT = "the text of a message";
const PHONE = "41793026727";

let folder: string;
let simulator: Simulator;
let served: ServeProcess | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "serve-exit-"));
  simulator = createSimulator();
});
afterEach(async () => {
  served?.child.kill("SIGKILL");
  await served?.exited;
  await simulator[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Starts a service whose termination message goes into the folder. */
async function serve(flags: Readonly<Record<string, string>> = {}, node: readonly string[] = []) {
  served = await startServe({
    node,
    flags: {
      "--upstream-base-url": "http://127.0.0.1:9",
      "--upstream-api-key": "simulator",
      "--data-dir": join(folder, "data"),
      "--termination-message-file": join(folder, "termination"),
      ...flags,
    },
  });
  return served;
}

async function termination(): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(folder, "termination"), "utf8")) as Record<string, unknown>;
}

/** Arguments of Node for a module that does something on SIGUSR2. */
async function onSignal(code: string, head = ""): Promise<string[]> {
  const path = join(folder, "on-signal.mjs");
  await writeFile(path, `${head}\nprocess.on("SIGUSR2", () => { ${code} });\n`);
  return ["--import", path];
}

/** A service that waits for an answer of Infobip that does not come. */
async function serveHangingCall(drainTimeout: string): Promise<ServeProcess> {
  const baseUrl = await simulator.start();
  simulator.injectFaults({ kind: "hang", count: 1 });
  const service = await serve({ "--upstream-base-url": baseUrl, "--drain-timeout": drainTimeout });
  const client = createClient(
    MessagesService,
    createGrpcTransport({ baseUrl: `http://${service.ready?.grpc}` }),
  );
  const request = {
    messages: [
      { channel: "SMS", destinations: [{ to: PHONE }], content: { body: { type: "TEXT", text: TEXT } } },
    ],
  };
  client.sendMessages(decodeRest(SendMessagesRequestSchema, request).message).catch(() => undefined);
  await simulator.whenReceived("messages", 1);
  return service;
}

test("0 after a signal", async () => {
  const service = await serve();
  expect(await service.stop()).toBe(0);
  expect(await termination()).toMatchObject({ reason: "STOPPED", state: "STOPPED", exitCode: 0 });
});

test("2 with a wrong configuration", async () => {
  const service = await serve({ "--upstream-base-url": "ftp://nowhere" });
  expect((await service.exited)[0]).toBe(2);
  expect(await termination()).toMatchObject({ reason: "CONFIG_INVALID", state: "", exitCode: 2 });
});

test("10 when an address is taken", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as { port: number };
  const service = await serve({ "--grpc-listen": `127.0.0.1:${port}` });
  expect((await service.exited)[0]).toBe(10);
  taken.close();
  const { message, ...rest } = await termination();
  expect(rest).toMatchObject({ state: "FAILED", exitCode: 10 });
  expect(message).toContain(`127.0.0.1:${port}`);
});

test("10 when the event log cannot be opened", async () => {
  await writeFile(join(folder, "data"), "no folder");
  const service = await serve();
  expect((await service.exited)[0]).toBe(10);
  expect(await termination()).toMatchObject({ state: "FAILED", exitCode: 10 });
});

test("11 when the event log fails while the service runs", async () => {
  const keep = [
    'import threads from "node:worker_threads"; import { syncBuiltinESMExports } from "node:module";',
    "const kept = []; const { Worker } = threads;",
    "threads.Worker = class extends Worker { constructor(...args) { super(...args); kept.push(this); } };",
    "syncBuiltinESMExports();",
  ].join("\n");
  const service = await serve({}, await onSignal("for (const worker of kept) worker.terminate();", keep));
  service.child.kill("SIGUSR2");
  expect((await service.exited)[0]).toBe(11);
  expect(await termination()).toMatchObject({ state: "FAILED", exitCode: 11 });
});

test("12 when drain_timeout cuts what was in progress, once its answer has been waited for in vain", async () => {
  const service = await serveHangingCall("300ms");
  const begun = performance.now();
  expect(await service.stop()).toBe(12);
  expect(performance.now() - begun).toBeLessThan(8_000);
  expect(await termination()).toMatchObject({ reason: "DRAIN_TIMEOUT", exitCode: 12 });
});

test.each([
  ["an error that nobody catches", `throw new Error("${PHONE} ${TEXT}")`],
  ["a promise that nobody watches", `Promise.reject(new Error("${PHONE} ${TEXT}"))`],
])("13 after %s, whose text is told nowhere", async (_name, code) => {
  const service = await serve({}, await onSignal(code));
  service.child.kill("SIGUSR2");
  expect((await service.exited)[0]).toBe(13);
  expect(service.logLines().at(-1)).toMatchObject({ level: "error", exitCode: 13 });
  expect(service.logLines().at(-1)?.error).toMatchObject([{ name: "Error" }]);
  const told = JSON.stringify(await termination());
  expect(JSON.parse(told)).toMatchObject({ reason: "CRASHED", state: "RUNNING", exitCode: 13 });
  for (const hidden of [PHONE, TEXT]) expect(service.stderr() + told).not.toContain(hidden);
});

test("130 after a second signal, at once, with the lines of the log written", async () => {
  const service = await serveHangingCall("60s");
  service.child.kill("SIGTERM");
  await expect
    .poll(() => service.logLines().some(({ state }) => state === "DRAINING"), { timeout: 5_000 })
    .toBe(true);
  service.child.kill("SIGTERM");
  expect((await service.exited)[0]).toBe(130);
  expect(await termination()).toMatchObject({ reason: "INTERRUPTED", state: "DRAINING", exitCode: 130 });
});
