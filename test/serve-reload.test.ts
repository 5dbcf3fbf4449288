import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { createSimulator, type Simulator } from "../src/simulator/simulator.ts";
import { type ServeProcess, startServe } from "./fixtures/serve-process.ts";

const OLD = "the-key-before";
const NEW = "the-key-after";

let folder: string;
let simulator: Simulator;
let served: ServeProcess;
let client: Client<typeof MessagesService>;
/** The configuration file, as it is now. */
let file: { upstream: object; limits?: object; sending?: object; log?: object };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "serve-reload-"));
  simulator = createSimulator({ credentials: [{ scheme: "App", key: NEW }] });
  const base_url = await simulator.start();
  file = { upstream: { base_url, api_key: OLD } };
  await write({});
  served = await startServe({
    flags: { "--config": join(folder, "service.yaml"), "--data-dir": join(folder, "data") },
  });
  client = createClient(MessagesService, createGrpcTransport({ baseUrl: `http://${served.ready?.grpc}` }));
});
afterEach(async () => {
  await served.stop();
  await simulator[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Writes the configuration file; JSON is YAML. */
async function write(changes: Partial<typeof file>): Promise<void> {
  file = { ...file, ...changes };
  await writeFile(join(folder, "service.yaml"), JSON.stringify(file));
}

const upstream = (api_key: string): { upstream: object } => ({ upstream: { ...file.upstream, api_key } });

/** Waits for a line with this sentence. */
async function line(sentence: string, setting?: string): Promise<Record<string, unknown>> {
  const find = () =>
    served
      .logLines()
      .find(({ msg, ...rest }) => String(msg).startsWith(sentence) && rest.setting === setting);
  await expect.poll(find, { timeout: 10_000 }).toBeDefined();
  return find() ?? {};
}

const IN_USE = "the setting has changed and is in use";

/** Sends one SMS; gives the machine reason of the failure. */
async function send(): Promise<string | undefined> {
  const request = {
    messages: [
      {
        channel: "SMS",
        destinations: [{ to: "41793026727" }],
        content: { body: { type: "TEXT", text: "x" } },
      },
    ],
  };
  try {
    await client.sendMessages(decodeRest(SendMessagesRequestSchema, request).message);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

test("a key that changes in the file is used by the next request, without a restart", async () => {
  expect(await send()).toContain("credentials");
  await write(upstream(NEW));
  await line(IN_USE, "upstream.api_key");
  expect(await send()).toBeUndefined();
  expect(served.stderr()).not.toContain(OLD);
  expect(served.stderr()).not.toContain(NEW);
});

test("SIGHUP reads the configuration again, also when nothing has changed", async () => {
  served.child.kill("SIGHUP");
  await line("the configuration was read again; nothing has changed");
});

/** Has the configuration read at once, instead of when its file is next looked at. */
const hangUp = () => served.child.kill("SIGHUP");

test("the rate limit and the level of the log change, the rest is named", async () => {
  await write({
    ...upstream(NEW),
    sending: { rate_limit: { total: 1 } },
    limits: { max_message_bytes: "1MiB" },
    log: { level: "debug" },
  });
  hangUp();
  await line(IN_USE, "sending.rate_limit.total");
  await line(IN_USE, "log.level");
  await line("the setting has changed and needs a restart", "limits.max_message_bytes");
  const begun = performance.now();
  expect(await Promise.all([send(), send(), send()])).toEqual([undefined, undefined, undefined]);
  // One a second, the first of which may leave at once.
  expect(performance.now() - begun).toBeGreaterThan(900);
  expect(served.logLines().filter(({ level }) => level === "debug")).not.toEqual([]);
});

test("a wrong configuration changes nothing, and names the setting", async () => {
  await write({ ...upstream(NEW), limits: { max_message_bytes: "much" } });
  hangUp();
  const { level } = await line("the configuration was read again and is wrong", "limits.max_message_bytes");
  expect(level).toBe("error");
  expect(await send()).toContain("credentials");
  await write({ limits: {} });
  hangUp();
  await line(IN_USE, "upstream.api_key");
  expect(await send()).toBeUndefined();
});
