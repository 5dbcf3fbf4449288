import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { EventsService, type WatchEventsResponse } from "../gen/infobip/events/v1/events_service_pb.js";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
  SendMessagesResponseSchema,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import { freePort } from "../src/cli/free-port.ts";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { createSimulator, type Simulator } from "../src/simulator/simulator.ts";
import { type Backend, type ReadyBalancer, startReadyBalancer } from "./fixtures/ready-balancer.ts";
import { type ServeProcess, startServe } from "./fixtures/serve-process.ts";

const ROUNDS = 3;
/** Callers of each client; each has one call under way at any time. */
const CALLERS = 8;

/** One of the two replicas, on the same ports before and after a restart. */
interface Replica extends Backend {
  readonly grpcPort: number;
  readonly flags: Readonly<Record<string, string>>;
  process: ServeProcess;
}

let folder: string;
let simulator: Simulator;
let balancer: ReadyBalancer;
const replicas: Replica[] = [];

afterEach(async () => {
  for (const { process } of replicas.splice(0)) process.child.kill("SIGKILL");
  await balancer[Symbol.asyncDispose]();
  await simulator[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function startReplica(baseUrl: string, name: string): Promise<Replica> {
  const [grpcPort, port, adminPort] = [await freePort(), await freePort(), await freePort()];
  const flags = {
    "--upstream-base-url": baseUrl,
    "--upstream-api-key": "simulator",
    "--data-dir": join(folder, name),
    "--grpc-listen": `127.0.0.1:${grpcPort}`,
    "--http-listen": `127.0.0.1:${port}`,
    "--admin-listen": `127.0.0.1:${adminPort}`,
    "--drain-delay": "150ms",
    "--drain-timeout": "10s",
  };
  return { grpcPort, port, adminPort, flags, process: await startServe({ flags }) };
}

/** Ids of the messages that were answered as sent, and the errors of calls that failed. */
class Outcomes {
  readonly sent: string[] = [];
  readonly failed: unknown[] = [];
  #number = 0;

  newRequest(client: string): SendMessagesRequest {
    const destinations = [{ to: "41790000000", messageId: `${client}-${++this.#number}` }];
    const content = { body: { type: "TEXT", text: "x" } };
    return decodeRest(SendMessagesRequestSchema, {
      messages: [{ channel: "SMS", destinations, content }],
    }).message;
  }

  /** Calls one after the other until the signal aborts. */
  async callUntil(
    signal: AbortSignal,
    name: string,
    send: (request: SendMessagesRequest) => Promise<string>,
  ) {
    while (!signal.aborted) {
      try {
        this.sent.push(await send(this.newRequest(name)));
      } catch (error) {
        this.failed.push(error);
      }
    }
  }
}

/** A grpc-js client that takes both replicas in turn and repeats nothing but what it knows to be unprocessed. */
function roundRobinClient(ports: readonly number[]) {
  const target = `ipv4:${ports.map((port) => `127.0.0.1:${port}`).join(",")}`;
  const client = new grpc.Client(target, grpc.credentials.createInsecure(), {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 200,
  });
  const path = "/infobip.messages.v1.MessagesService/SendMessages";
  const send = (request: SendMessagesRequest): Promise<string> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        (value: SendMessagesRequest) => Buffer.from(toBinary(SendMessagesRequestSchema, value)),
        (bytes) => fromBinary(SendMessagesResponseSchema, bytes),
        request,
        (error, response) =>
          error === null ? resolve(response?.results[0]?.messageId ?? "") : reject(error),
      );
    });
  return { send, close: () => client.close() };
}

/**
 * A Connect client that repeats what was refused before it was processed. gRPC
 * clients do so themselves; Node's HTTP/2 client refuses the calls that it was
 * about to send when a GOAWAY comes.
 */
function connectClient(port: number) {
  const transport = createConnectTransport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion: "2" });
  const client = createClient(MessagesService, transport);
  const send = async (request: SendMessagesRequest, tries: number): Promise<string> => {
    try {
      const { results } = await client.sendMessages(create(SendMessagesRequestSchema, request));
      return results[0]?.messageId ?? "";
    } catch (error) {
      if (tries > 1 && String(error).includes("NGHTTP2_REFUSED_STREAM")) return send(request, tries - 1);
      throw error;
    }
  };
  return (request: SendMessagesRequest): Promise<string> => send(request, 3);
}

/** What one watcher has seen. */
interface Watched {
  /** How often each message's events have come. */
  readonly ids: Map<string, number>;
  /** Streams that have begun. */
  starts: number;
  drains: number;
  cursor: string | undefined;
}

function note({ frame }: WatchEventsResponse, watched: Watched): void {
  if (frame.case === "draining") watched.drains++;
  if (frame.case === "started") {
    watched.starts++;
    watched.cursor ??= frame.value.cursor;
  }
  if (frame.case !== "events") return;
  for (const event of frame.value.events) {
    const id = event.messageId ?? "";
    watched.ids.set(id, (watched.ids.get(id) ?? 0) + 1);
    watched.cursor = event.cursor;
  }
}

/** Watches one replica's log from its beginning, resuming by cursor after each drain; until the signal aborts. */
async function watchAll(port: number, watched: Watched, signal: AbortSignal): Promise<void> {
  const client = createClient(EventsService, createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` }));
  while (!signal.aborted) {
    const { cursor } = watched;
    const from =
      cursor === undefined
        ? ({ case: "start", value: StartPosition.EARLIEST } as const)
        : ({ case: "cursor", value: cursor } as const);
    try {
      for await (const frame of client.watchEvents({ from }, { signal })) note(frame, watched);
    } catch {
      // The replica is away for a moment; the next try finds it again.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}

/** Restarts one replica under load and waits until it serves again, and its watcher has come back. */
async function restart(replica: Replica, watched: Watched): Promise<void> {
  const { starts } = watched;
  expect(await replica.process.stop()).toBe(0);
  await balancer.whenReady(replica, false);
  replica.process = await startServe({ flags: replica.flags });
  await balancer.whenReady(replica, true);
  await expect.poll(() => watched.starts, { timeout: 10_000, interval: 20 }).toBeGreaterThan(starts);
}

test("a rolling restart under load fails no unary call, and sends and tells each message once", async () => {
  folder = await mkdtemp(join(tmpdir(), "rolling-restart-"));
  simulator = createSimulator();
  const baseUrl = await simulator.start();
  replicas.push(...(await Promise.all([startReplica(baseUrl, "a"), startReplica(baseUrl, "b")])));
  balancer = await startReadyBalancer(replicas);
  await Promise.all(replicas.map((replica) => balancer.whenReady(replica, true)));

  const outcomes = new Outcomes();
  const load = new AbortController();
  const watching = new AbortController();
  const events = new Map<string, number>();
  const watchers = replicas.map(
    (replica) => [replica, { ids: events, starts: 0, drains: 0, cursor: undefined } as Watched] as const,
  );
  const watches = watchers.map(([{ grpcPort }, watched]) => watchAll(grpcPort, watched, watching.signal));
  await expect.poll(() => watchers.every(([, { starts }]) => starts > 0), { timeout: 10_000 }).toBe(true);
  const roundRobin = roundRobinClient(replicas.map(({ grpcPort }) => grpcPort));
  const connect = connectClient(balancer.port);
  const callers = Array.from({ length: CALLERS }, () => [
    outcomes.callUntil(load.signal, "grpc", roundRobin.send),
    outcomes.callUntil(load.signal, "connect", connect),
  ]).flat();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [replica, watched] of watchers) await restart(replica, watched);
  }
  load.abort();
  await Promise.all(callers);
  roundRobin.close();

  expect(outcomes.failed.map(String)).toEqual([]);
  expect(outcomes.sent.length).toBeGreaterThan(100);
  expect(new Set(outcomes.sent).size).toBe(outcomes.sent.length);
  const twice = outcomes.sent.filter((id) => simulator.counts(id).accepted !== 1);
  expect(twice).toEqual([]);
  expect(simulator.stats().messages).toMatchObject({ accepted: outcomes.sent.length, duplicates: 0 });
  await expect
    .poll(() => outcomes.sent.filter((id) => !events.has(id)).length, { timeout: 10_000, interval: 50 })
    .toBe(0);
  watching.abort();
  await Promise.all(watches);
  expect(watchers.map(([, { drains }]) => drains)).toEqual([ROUNDS, ROUNDS]);
  expect([...events.values()].filter((count) => count !== 1)).toEqual([]);
}, 120_000);
