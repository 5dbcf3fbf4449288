import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { decodeBinaryHeader } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";
import { AdminListener } from "../src/server/admin-listener.ts";
import { RawHttp2 } from "./fixtures/raw-http2.ts";
import { callOver, GRPC_HEADERS, grpcRequest, openSession, SEND } from "./fixtures/tls-rig.ts";
import { readToEnd } from "./fixtures/webhook-target.ts";
import { Rig } from "./server-rig.ts";

/** How often a client that drips says something more, in milliseconds. */
const DRIP_MS = 25;

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start({
    grpcLimits: { prefaceTimeoutMs: 200, requestTimeoutMs: 400, maxConnectionIdleMs: 1_000 },
    httpLimits: { headersTimeoutMs: 200, requestTimeoutMs: 400, idleTimeoutMs: 300 },
  });
});
afterEach(() => rig[Symbol.asyncDispose]());

async function dial(address: string): Promise<Socket> {
  const [host = "", port] = address.split(":");
  const socket = connect(Number(port), host);
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** Says the first text at once, and one letter of the other again and again until the connection is gone. Gives what was answered. */
async function drip(socket: Socket, first: string, letter: string): Promise<string> {
  socket.write(first);
  const dripping = setInterval(() => socket.writable && socket.write(letter), DRIP_MS);
  try {
    return await readToEnd(socket);
  } finally {
    clearInterval(dripping);
  }
}

const LISTENERS: [string, () => string][] = [
  ["gRPC", () => rig.grpcAddress],
  ["HTTP", () => rig.httpAddress],
];

describe.each(LISTENERS)("the %s listener", (_name, address) => {
  test("cuts connections that say nothing, or drip their first bytes", async () => {
    const silent = await dial(address());
    const slow = await dial(address());
    const letters = [..."PRI * HTTP/2.0\r\n"];
    const dripping = setInterval(() => slow.writable && slow.write(letters.shift() ?? ""), DRIP_MS);
    onTestFinished(() => clearInterval(dripping));
    expect(await Promise.all([silent, slow].map(readToEnd))).toEqual(["", ""]);
    expect(await callOver(openSession(address()))).toBe("0");
  });

  test("ends a call whose request drips, and the other calls of its connection go on", async () => {
    const session = openSession(address());
    const stream = session.request(GRPC_HEADERS);
    stream.on("error", () => undefined).resume();
    const bytes = grpcRequest();
    let sent = 0;
    const dripping = setInterval(
      () => stream.writable && stream.write(bytes.subarray(sent, ++sent)),
      DRIP_MS,
    );
    onTestFinished(() => clearInterval(dripping));
    await once(stream, "close");
    expect(sent).toBeLessThan(bytes.length);
    expect(await callOver(session)).toBe("0");
  });

  test("closes a connection without calls, though it has said hello", async () => {
    using raw = await RawHttp2.open(address());
    await raw.closed;
    // Politely: GOAWAY without an error.
    expect(raw.goaways[0]).toBe(0);
  });
});

test("the gRPC listener says why it ends a call whose request does not come", async () => {
  const stream = openSession(rig.grpcAddress).request(GRPC_HEADERS);
  stream.on("error", () => undefined).resume();
  stream.write(grpcRequest().subarray(0, 10));
  const [headers] = await once(stream, "response");
  expect(headers["grpc-status"]).toBe("4");
  const details = decodeBinaryHeader(String(headers["grpc-status-details-bin"]), StatusSchema);
  expect(details.message).toContain("not complete in time");
});

const POST = `POST ${SEND} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;

test("the HTTP listener answers a dripping HTTP/1.1 header, and a dripping body, with 408", async () => {
  const [header, body] = await Promise.all([
    drip(await dial(rig.httpAddress), `${POST}x-slow: `, "s"),
    drip(await dial(rig.httpAddress), `${POST}content-length: 10000\r\n\r\n{`, " "),
  ]);
  expect(header).toContain(" 408 ");
  expect(body).toContain(" 408 ");
  expect(await callOver(openSession(rig.httpAddress))).toBe("0");
});

describe("the admin listener", () => {
  const start = async (limits: { requestTimeoutMs?: number; maxConnections?: number }) => {
    const listen = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
    const admin = await AdminListener.start({ listen, checks: () => ({}), limits });
    onTestFinished(() => admin[Symbol.asyncDispose]());
    return `127.0.0.1:${admin.address.kind === "tcp" ? admin.address.port : 0}`;
  };

  test("ends connections that say nothing or drip, and answers others meanwhile", async () => {
    const address = await start({ requestTimeoutMs: 200 });
    const silent = dial(address).then(readToEnd);
    const header = drip(await dial(address), "GET /livez HTTP/1.1\r\nx-slow: ", "s");
    const body = drip(
      await dial(address),
      "PUT /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n",
      "b",
    );
    expect((await fetch(`http://${address}/livez`)).status).toBe(200);
    expect(await silent).not.toContain(" 200 ");
    expect(await header).toContain(" 408 ");
    expect(await body).not.toContain(" 200 ");
  });

  test("takes no connections over its limit", async () => {
    const address = await start({ maxConnections: 1 });
    await dial(address);
    expect(await readToEnd(await dial(address))).toBe("");
  });
});
