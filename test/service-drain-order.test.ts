import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterEach, expect, it } from "vitest";
import {
  WatchEventsRequestSchema,
  WatchEventsResponseSchema,
} from "../gen/infobip/events/v1/events_service_pb.js";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";

let rig: ServiceRig;
const sessions: ClientHttp2Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await rig[Symbol.asyncDispose]();
});

const SMS = {
  messages: [{ channel: "SMS", destinations: [{ to: "1" }], content: { body: { type: "TEXT", text: "x" } } }],
};

/** A connection of HTTP/2 that tells what happens on it. */
function open(address: string, told: (what: string) => void): ClientHttp2Session {
  const session = connect(`http://${address}`);
  sessions.push(session);
  session.on("error", () => undefined);
  session.once("goaway", (code: number) => told(`GOAWAY ${code}`));
  session.on("close", () => told("closed"));
  return session;
}

/** Begins a gRPC call and tells its messages; resolves with the first. */
function call(
  session: ClientHttp2Session,
  path: string,
  request: Uint8Array,
  onMessage: (bytes: Buffer) => void,
): Promise<ClientHttp2Stream> {
  const { promise, resolve } = Promise.withResolvers<ClientHttp2Stream>();
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => undefined);
  let received = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 5 && received.length >= 5 + received.readUInt32BE(1)) {
      const end = 5 + received.readUInt32BE(1);
      onMessage(received.subarray(5, end));
      received = received.subarray(end);
      resolve(stream);
    }
  });
  const head = Buffer.alloc(5);
  head.writeUInt32BE(request.length, 1);
  stream.end(Buffer.concat([head, request]));
  return promise;
}

const WATCH = toBinary(
  WatchEventsRequestSchema,
  create(WatchEventsRequestSchema, { from: { case: "start", value: StartPosition.LATEST } }),
);

async function readiness(): Promise<number> {
  return (await fetch(`http://${rig.addresses.admin}/readyz`)).status;
}

it("withdraws first, tells streams next, then connections, and closes the log last", async () => {
  rig = await startServiceRig({ flags: { "--drain-delay": "1500ms", "--drain-timeout": "10s" } });
  const order: string[] = [];
  const healthy = Promise.withResolvers<void>();
  const health = open(rig.addresses.grpc, () => undefined);
  const serving = call(health, "/grpc.health.v1.Health/Watch", new Uint8Array(0), (bytes) => {
    order.push(bytes[1] === 1 ? "SERVING" : "NOT_SERVING");
    if (bytes[1] !== 1) healthy.resolve();
  });
  await serving;
  const session = open(rig.addresses.grpc, (what) => order.push(what));
  await call(session, "/infobip.events.v1.EventsService/WatchEvents", WATCH, (bytes) => {
    const { frame } = fromBinary(WatchEventsResponseSchema, bytes);
    if (frame.case === "draining") {
      const left = Number(frame.value.stopTime?.seconds) * 1_000 - Date.now();
      expect(left).toBeGreaterThan(1_000);
      expect(left).toBeLessThan(10_000);
    }
    if (frame.case !== "progress" && frame.case !== "events") order.push(`stream ${frame.case}`);
  });
  // An answer that is late: it holds the drain until it has come.
  rig.simulator.injectFaults({ kind: "slow-body", durationMs: 2_500, count: 1 });
  const late = rig.messages
    .sendMessages(decodeRest(SendMessagesRequestSchema, SMS).message)
    .then(({ results }) => order.push(`answered ${results.length}`));
  await rig.simulator.whenReceived("messages", 1);

  const drained = rig.service.drain();
  await healthy.promise;
  expect(await readiness()).toBe(503);
  // Within the delay everything is served as before, streams too.
  const other = open(rig.addresses.grpc, () => undefined);
  await call(other, "/infobip.events.v1.EventsService/WatchEvents", WATCH, () => undefined);
  expect(order.slice(-1)).toEqual(["NOT_SERVING"]);
  expect(await drained).toBe(true);
  await late;
  // The log is open until the service is disposed of: the send was recorded in it.
  expect(rig.service.state).toBe("DRAINING");
  expect(order).toEqual([
    "SERVING",
    "stream started",
    "NOT_SERVING",
    "stream draining",
    "GOAWAY 0",
    "closed",
    "answered 1",
  ]);
  const { results } = await rig
    .restart()
    .then(() => rig.messages.sendMessages(decodeRest(SendMessagesRequestSchema, SMS).message));
  expect(results).toHaveLength(1);
  const { events } = await rig.events.listEvents({});
  expect(events.filter(({ payload }) => payload.case === "sendResult")).toHaveLength(2);
});

it("serves unary calls on connections that are open while others still end", async () => {
  rig = await startServiceRig({ flags: { "--drain-delay": "200ms" } });
  const drained = rig.service.drain();
  const { results } = await rig.messages.sendMessages(decodeRest(SendMessagesRequestSchema, SMS).message);
  expect(results).toHaveLength(1);
  expect(await drained).toBe(true);
});

it("tells that work was cut when a call hangs beyond the drain, and ends in time all the same", async () => {
  rig = await startServiceRig({ flags: { "--drain-timeout": "200ms" } });
  rig.simulator.injectFaults({ kind: "hang", count: 1 });
  const failed = expect(
    rig.messages.sendMessages(decodeRest(SendMessagesRequestSchema, SMS).message),
  ).rejects.toMatchObject({ code: 2 });
  await rig.simulator.whenReceived("messages", 1);
  const begun = performance.now();
  expect(await rig.service.drain()).toBe(false);
  expect(performance.now() - begun).toBeLessThan(3_000);
  await failed;
});
