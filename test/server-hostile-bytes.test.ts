import { once } from "node:events";
import { constants, connect as http2Connect } from "node:http2";
import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { decodeBinaryHeader } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";
import {
  SendMessagesRequestSchema,
  SendMessagesResponseSchema,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import { Rig, validRequest } from "./server-rig.ts";

const SEND = "/infobip.messages.v1.MessagesService/SendMessages";
const GRPC = "application/grpc";

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start({ httpLimits: { headersTimeoutMs: 200, requestTimeoutMs: 400 } });
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** One HTTP/2 request with any bytes as its body; headers and trailers of the answer in one. */
async function exchange(
  address: string,
  body: Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const session = http2Connect(`http://${address}`);
  try {
    // The server's limits hold from here on; before, nghttp2 has its own.
    await once(session, "remoteSettings");
    const stream = session.request({
      ":method": "POST",
      ":path": SEND,
      "content-type": GRPC,
      te: "trailers",
      ...headers,
    });
    const received: Record<string, string> = {};
    const collect = (part: object) => Object.assign(received, part);
    stream.on("response", collect);
    stream.on("trailers", collect);
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.end(body);
    await once(stream, "close");
    return { status: Number(received[":status"]), headers: received, body: Buffer.concat(chunks) };
  } finally {
    session.close();
  }
}

function reasonOf(answer: Answer): string {
  const status = decodeBinaryHeader(answer.headers["grpc-status-details-bin"] ?? "", StatusSchema);
  const any = status.details.find((detail) => detail.typeUrl.endsWith("google.rpc.ErrorInfo"));
  return any === undefined ? "" : fromBinary(ErrorInfoSchema, any.value).reason;
}

function frame(message: Uint8Array, compressed = false): Buffer {
  const head = Buffer.alloc(5);
  head[0] = compressed ? 1 : 0;
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

const request = toBinary(SendMessagesRequestSchema, validRequest("raw"));

async function nextCallWorks(address: string): Promise<void> {
  const answer = await exchange(address, frame(request));
  expect(answer.headers["grpc-status"]).toBe("0");
  expect(fromBinary(SendMessagesResponseSchema, answer.body.subarray(5)).bulkId).toBe("raw");
}

const LISTENERS: [string, () => string][] = [
  ["the gRPC listener", () => rig.grpcAddress],
  ["the HTTP listener", () => rig.httpAddress],
];

describe.each(LISTENERS)("%s, given gRPC over HTTP/2", (_name, address) => {
  it.each([
    ["a truncated frame", frame(request).subarray(0, 20), {}, "3", "PROTOCOL_ERROR"],
    ["a truncated frame header", Buffer.from([0, 0]), {}, "3", "PROTOCOL_ERROR"],
    ["no message", Buffer.alloc(0), {}, "3", "PROTOCOL_ERROR"],
    ["two messages", Buffer.concat([frame(request), frame(request)]), {}, "12", "PROTOCOL_ERROR"],
    ["bytes that are no message", frame(Buffer.from([0x0a, 0xff, 0x01])), {}, "3", "REQUEST_INVALID"],
    ["a frame that claims 1 GiB", Buffer.from([0, 0x40, 0, 0, 0, 1]), {}, "8", "REQUEST_TOO_LARGE"],
    ["bad gzip", frame(request, true), { "grpc-encoding": "gzip" }, "3", "PROTOCOL_ERROR"],
    [
      "a small gzip of 5 MiB",
      frame(gzipSync(Buffer.alloc(5 * 1024 * 1024)), true),
      { "grpc-encoding": "gzip" },
      "8",
      "REQUEST_TOO_LARGE",
    ],
    ["an unknown compression", frame(request, true), { "grpc-encoding": "zstd" }, "12", "PROTOCOL_ERROR"],
    [
      "an unknown method",
      frame(request),
      { ":path": "/infobip.messages.v1.MessagesService/Nope" },
      "12",
      "METHOD_UNKNOWN",
    ],
    ["an unknown service", frame(request), { ":path": "/nope" }, "12", "METHOD_UNKNOWN"],
    ["a malformed timeout", frame(request), { "grpc-timeout": "soon" }, "3", "PROTOCOL_ERROR"],
  ])("answers %s with details and goes on", async (_what, body, headers, code, reason) => {
    const answer = await exchange(address(), body, headers as Record<string, string>);
    expect(answer.headers["grpc-status"]).toBe(code);
    expect(reasonOf(answer)).toBe(reason);
    expect(
      rig.refusals
        .map((refusal) => refusal.error.reason)
        .concat(rig.reports.map((r) => r.reason ?? "INTERNAL")),
    ).toContain(reason);
    await nextCallWorks(address());
  });

  it("answers a wrong content type with 415", async () => {
    const answer = await exchange(address(), frame(request), { "content-type": "text/html" });
    expect(answer.status).toBe(415);
    await nextCallWorks(address());
  });

  it("compresses a large response for a client that compresses, and marks it", async () => {
    const large = toBinary(SendMessagesRequestSchema, validRequest("y".repeat(5000)));
    const answer = await exchange(address(), frame(gzipSync(large), true), { "grpc-encoding": "gzip" });
    expect(answer.headers["grpc-status"]).toBe("0");
    expect(answer.headers["grpc-encoding"]).toBe("gzip");
    expect(answer.body[0]).toBe(1);
    expect(answer.body.length).toBeLessThan(1000);
  });

  it("cuts a call with too much metadata and goes on", async () => {
    const answer = await exchange(address(), frame(request), { "x-large": "m".repeat(20_000) }).catch(
      (error: Error & { code?: string }) => error.code ?? error.message,
    );
    expect(answer).toSatisfy((value: Answer | string) => typeof value === "string" || value.status !== 200);
    await nextCallWorks(address());
  });

  it("survives garbage instead of the preface", async () => {
    const socket = open(address());
    socket.end("\u0016\u0003\u0001 this is no HTTP\r\n\r\n");
    await once(socket, "close");
    await nextCallWorks(address());
  });

  it("survives a client that resets in the middle of a request", async () => {
    const session = http2Connect(`http://${address()}`);
    session.on("error", () => undefined);
    const stream = session.request({ ":method": "POST", ":path": SEND, "content-type": GRPC });
    stream.on("error", () => undefined);
    stream.write(frame(request).subarray(0, 10));
    await once(session, "remoteSettings");
    stream.close(constants.NGHTTP2_CANCEL);
    await once(stream, "close");
    session.destroy();
    await nextCallWorks(address());
  });
});

describe("the HTTP listener, before the protocol is known", () => {
  it("takes a preface that comes byte by byte", async () => {
    const socket = open(rig.httpAddress);
    const bytes = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    for (const byte of bytes) await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve));
    // An empty SETTINGS frame; the server answers with its own.
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    const [first] = (await once(socket, "data")) as [Buffer];
    expect(first[3]).toBe(4);
    socket.destroy();
  });

  it("cuts a connection that shows half a preface", async () => {
    const socket = open(rig.httpAddress);
    socket.write("PRI * HT");
    await once(socket, "close");
    await nextCallWorks(rig.httpAddress);
  });

  it("cuts a connection that says nothing", async () => {
    const socket = open(rig.httpAddress);
    await once(socket, "close");
  });

  it("answers half an HTTP/1.1 header with 408", async () => {
    const socket = open(rig.httpAddress);
    socket.write(`POST ${SEND} HTTP/1.1\r\nhost: x\r\n`);
    const [first] = (await once(socket, "data")) as [Buffer];
    expect(first.toString()).toContain("408");
    socket.destroy();
  });

  it("cuts an HTTP/2 request whose body does not come", async () => {
    const session = http2Connect(`http://${rig.httpAddress}`);
    const stream = session.request({ ":method": "POST", ":path": SEND, "content-type": GRPC });
    stream.on("error", () => undefined);
    stream.write(frame(request).subarray(0, 10));
    await once(stream, "close");
    session.close();
    await nextCallWorks(rig.httpAddress);
  });
});

function open(address: string): Socket {
  const [host, port] = address.split(":");
  const socket = connect({ host: host ?? "", port: Number(port) });
  socket.on("error", () => undefined);
  socket.resume();
  return socket;
}
