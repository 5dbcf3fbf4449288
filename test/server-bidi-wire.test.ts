import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { gzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { decodeBinaryHeader } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";
import { SubscribeRequestSchema } from "../gen/infobip/events/v1/subscribe_pb.js";
import { aborted, ackFrame, Rig, sessionFrame, signalled } from "./server-rig.ts";

const PATH = "/infobip.events.v1.EventsService/Subscribe";
/** What the client's HTTP/2 window and the sockets' buffers hold, and then some. */
const PLENTY = 16 * 1024 * 1024;
const LARGE = sessionFrame("x".repeat(10_000));

let rig: Rig;
let session: ClientHttp2Session | undefined;
beforeEach(async () => {
  rig = await Rig.start({
    httpLimits: { headersTimeoutMs: 200, requestTimeoutMs: 400 },
  });
});
afterEach(async () => {
  session?.destroy();
  await rig[Symbol.asyncDispose]();
});

function open(address: string, headers: Record<string, string> = {}): ClientHttp2Stream {
  const opened = connect(`http://${address}`);
  opened.on("error", () => undefined);
  session = opened;
  const stream = opened.request(
    { ":method": "POST", ":path": PATH, "content-type": "application/grpc", te: "trailers", ...headers },
    { endStream: false },
  );
  return stream.on("error", () => undefined);
}

function message(bytes: Uint8Array, compressed = false): Buffer {
  const head = Buffer.alloc(5);
  head[0] = compressed ? 1 : 0;
  head.writeUInt32BE(bytes.byteLength, 1);
  return Buffer.concat([head, bytes]);
}

function ack(text: string): Buffer {
  return message(toBinary(SubscribeRequestSchema, ackFrame(text)));
}

/** Code and reason that a call ends with. */
async function outcome(stream: ClientHttp2Stream): Promise<{ code: string; reason: string }> {
  const received: Record<string, string> = {};
  const collect = (part: object) => Object.assign(received, part);
  stream.on("response", collect).on("trailers", collect).resume();
  await once(stream, "end");
  const details = received["grpc-status-details-bin"];
  const status = details === undefined ? undefined : decodeBinaryHeader(details, StatusSchema);
  const info = status?.details.find((any) => any.typeUrl.endsWith("google.rpc.ErrorInfo"));
  const reason = info === undefined ? "" : fromBinary(ErrorInfoSchema, info.value).reason;
  return { code: received["grpc-status"] ?? "", reason };
}

/** Resolves once a value has stayed the same over many turns of the event loop, in which every socket was served. */
async function settled(read: () => number): Promise<number> {
  for (let before = -1, quiet = 0; quiet < 200; quiet = read() === before ? quiet + 1 : 0) {
    before = read();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return read();
}

describe.each([
  ["gRPC", () => rig.grpcAddress],
  ["HTTP", () => rig.httpAddress],
])("the %s listener", (_name, address) => {
  it("pulls no further ahead of a client that does not read", async () => {
    let pulled = 0;
    rig.behaviour.subscribe = async function* () {
      while (pulled < PLENTY) {
        pulled += LARGE.byteLength;
        yield LARGE;
      }
    };
    const stream = open(address());
    await once(stream, "response");
    const stopped = await settled(() => pulled);
    expect(stopped).toBeLessThan(PLENTY / 4);
    const ended = outcome(stream);
    stream.end();
    await ended;
    expect(pulled).toBeGreaterThanOrEqual(PLENTY);
  });

  it("reads no further ahead of an implementation than flow control lets it", async () => {
    const go = signalled();
    let read = 0;
    rig.behaviour.subscribe = async function* (requests) {
      yield sessionFrame("ready");
      for await (const _ of requests) {
        read++;
        await go.promise;
      }
    };
    const stream = open(address());
    await once(stream, "response");
    const eventIds = Array.from({ length: 100 }, () => "y".repeat(4000));
    const large = create(SubscribeRequestSchema, { frame: { case: "ack", value: { eventIds } } });
    const frame = message(toBinary(SubscribeRequestSchema, large));
    const frames = Math.ceil(PLENTY / frame.byteLength);
    let sent = 0;
    // One write after the other: Node counts writes that wait together as one.
    const writing = (async () => {
      for (; sent < frames; sent++) await new Promise((resolve) => stream.write(frame, resolve));
    })();
    // One is with the implementation, one waits decoded, and one is on the way.
    expect(await settled(() => sent)).toBeLessThanOrEqual(4);
    const ended = outcome(stream);
    go.fire();
    await writing;
    stream.end();
    expect(await ended).toMatchObject({ code: "0" });
    expect(read).toBe(frames);
  });

  it.each([
    ["bytes that are no message", message(Buffer.from([0x0a, 0xff, 0x01])), {}, "3", "REQUEST_INVALID"],
    ["a frame that claims 1 GiB", Buffer.from([0, 0x40, 0, 0, 0, 1]), {}, "8", "REQUEST_TOO_LARGE"],
    ["bad gzip", message(Buffer.from("no gzip"), true), { "grpc-encoding": "gzip" }, "3", "PROTOCOL_ERROR"],
    [
      "a small gzip of 5 MiB",
      message(gzipSync(Buffer.alloc(5 * 1024 * 1024)), true),
      { "grpc-encoding": "gzip" },
      "8",
      "REQUEST_TOO_LARGE",
    ],
    [
      "an unknown compression",
      message(Buffer.from("?"), true),
      { "grpc-encoding": "zstd" },
      "12",
      "PROTOCOL_ERROR",
    ],
  ])("ends a call with %s", async (_what, bytes, headers, code, reason) => {
    const stream = open(address(), headers as Record<string, string>);
    const ended = outcome(stream);
    stream.write(Buffer.concat([ack("first"), bytes]));
    expect(await ended).toEqual({ code, reason });
    await expect
      .poll(() => [...rig.reports.map((report) => report.reason), ...rig.refusals.map((r) => r.error.reason)])
      .toContain(reason);
    expect(rig.reports.length).toBeLessThanOrEqual(1);
  });

  it("ends a call that is closed within a message", async () => {
    const stream = open(address());
    const ended = outcome(stream);
    stream.end(Buffer.concat([ack("first"), ack("second").subarray(0, 8)]));
    expect(await ended).toEqual({ code: "3", reason: "PROTOCOL_ERROR" });
    await expect.poll(() => rig.reports).toMatchObject([{ reason: "PROTOCOL_ERROR" }]);
  });

  it("takes a broken connection for no orderly end", async () => {
    const reason = signalled<unknown>();
    const ended = signalled<unknown>();
    rig.behaviour.subscribe = async function* (requests, context) {
      void aborted(context.signal).then(reason.fire);
      try {
        for await (const _ of requests) yield sessionFrame("answer");
        ended.fire("half-closed");
      } catch (error) {
        ended.fire(error);
      }
    };
    const stream = open(address());
    stream.write(ack("first"));
    await once(stream.resume(), "response");
    session?.socket?.destroy();
    await reason.promise;
    expect(await ended.promise).toMatchObject({ reason: "CANCELLED" });
  });

  it("keeps a call for longer than a request may take to come", async () => {
    const stream = open(address());
    stream.write(ack("first"));
    await once(stream.resume(), "response");
    // A unary call whose request does not come is cut by the HTTP listener's request timeout.
    const unary = session?.request({
      ":method": "POST",
      ":path": "/infobip.messages.v1.MessagesService/SendMessages",
      "content-type": "application/grpc",
    });
    unary?.on("error", () => undefined).write("half");
    if (unary !== undefined && address() === rig.httpAddress) await once(unary, "close");
    const again = once(stream, "data");
    stream.write(ack("second"));
    await again;
    expect((await outcome(stream.end())).code).toBe("0");
  });

  it("lets no request outlive its answer for long", async () => {
    if (address() !== rig.httpAddress) return;
    rig.behaviour.subscribe = async function* () {
      yield sessionFrame("only");
    };
    const answered = open(address()).resume();
    await once(answered, "close");
    expect(rig.reports).toMatchObject([{ code: undefined }]);
    session?.destroy();
    const refused = open(address()).resume();
    refused.write(Buffer.concat([ack("first"), message(Buffer.from([0x0a, 0xff, 0x01]))]));
    await once(refused, "close");
  });
});

it("says that the connection was closed for its age, not that the client left", async () => {
  await using aged = await Rig.start({
    grpcLimits: { maxConnectionAgeMs: 100, maxConnectionAgeGraceMs: 50 },
  });
  const reason = signalled<unknown>();
  aged.behaviour.subscribe = async function* (_requests, context) {
    void aborted(context.signal).then(reason.fire);
    yield sessionFrame("ready");
    await new Promise(() => undefined);
  };
  const stream = open(aged.grpcAddress);
  stream.resume();
  expect(await reason.promise).toMatchObject({ reason: "DRAINING" });
});
