import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AdminListener } from "../src/server/admin-listener.ts";
import { CALL_FIELDS, ENHANCE_YOUR_CALM, FLAG, FRAME, field, frame, RawHttp2 } from "./fixtures/raw-http2.ts";
import { callOver, openSession, SEND } from "./fixtures/tls-rig.ts";
import { readToEnd, startWebhookTarget } from "./fixtures/webhook-target.ts";
import { Rig } from "./server-rig.ts";

const MIB = 1024 * 1024;
/** Header bytes that are sent at most before a test gives up. */
const MAX_SENT = 8 * MIB;

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(() => rig[Symbol.asyncDispose]());

/** Writes until the connection is gone; gives the bytes written. */
async function pour(raw: RawHttp2, next: () => Buffer): Promise<number> {
  let isOpen = true;
  void raw.closed.then(() => {
    isOpen = false;
  });
  let sent = 0;
  while (isOpen && sent < MAX_SENT) {
    const bytes = next();
    sent += bytes.length;
    await raw.write(bytes);
  }
  return sent;
}

const LISTENERS: [string, () => string][] = [
  ["gRPC", () => rig.grpcAddress],
  ["HTTP", () => rig.httpAddress],
];

describe.each(LISTENERS)("the %s listener", (_name, address) => {
  test("ends a connection whose header never ends (CONTINUATION flood)", async () => {
    using raw = await RawHttp2.open(address());
    await raw.write(frame(FRAME.headers, 0, 1, CALL_FIELDS));
    const more = frame(FRAME.continuation, 0, 1, field("x-more", "m".repeat(100)));
    expect(await pour(raw, () => more)).toBeLessThan(MIB);
    expect(rig.reports).toEqual([]);
    expect(await callOver(openSession(address()))).toBe("0");
  });

  test("ends a connection with empty CONTINUATION frames without end", async () => {
    using raw = await RawHttp2.open(address());
    await raw.write(frame(FRAME.headers, 0, 1, CALL_FIELDS));
    const more = Buffer.concat(Array.from({ length: 10 }, () => frame(FRAME.continuation, 0, 1)));
    expect(await pour(raw, () => more)).toBeLessThan(MIB);
    expect(rig.reports).toEqual([]);
  });

  test("takes no call from an HPACK bomb: a large field in the table, named again and again", async () => {
    using raw = await RawHttp2.open(address());
    // Literal with incremental indexing; then index 62, the first of the dynamic table, 4,000 times.
    const value = Buffer.from("b".repeat(3_900));
    const length = Buffer.of(0x7f, 0xbd, 0x1d);
    const bomb = Buffer.concat([
      Buffer.of(0x40, 1),
      Buffer.from("b"),
      length,
      value,
      Buffer.alloc(4_000, 0xbe),
    ]);
    const block = Buffer.concat([CALL_FIELDS, bomb]);
    await raw.write(frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, block));
    await raw.write(frame(FRAME.ping, 0, 0, Buffer.alloc(8)));
    expect(await callOver(openSession(address()))).toBe("0");
    expect(rig.reports).toHaveLength(1);
  });
});

test("the HTTP listener cuts a call with a large header that comes before the client has acknowledged the limit", async () => {
  const session = openSession(rig.httpAddress);
  // Sent with the preface, so before the settings of the server are known.
  const stream = session.request({ ":method": "POST", ":path": SEND, "x-large": "l".repeat(20_000) });
  stream
    .on("error", () => undefined)
    .resume()
    .end();
  await new Promise((resolve) => stream.once("close", resolve));
  expect(stream.rstCode).toBe(ENHANCE_YOUR_CALM);
  expect(rig.reports).toEqual([]);
  expect(await callOver(session)).toBe("0");
});

test("the HTTP listener answers an HTTP/1.1 header that is too large with 431", async () => {
  const [host = "", port] = rig.httpAddress.split(":");
  const socket = connect(Number(port), host);
  socket.on("error", () => undefined);
  socket.write(`POST ${SEND} HTTP/1.1\r\nhost: x\r\nx-large: ${"l".repeat(20_000)}\r\n\r\n`);
  expect(await readToEnd(socket)).toContain(" 431 ");
  expect(rig.reports).toEqual([]);
});

test("the webhook listener answers a header that is too large with 431", async () => {
  await using target = await startWebhookTarget();
  const socket = await target.dial();
  socket.write(`POST /v1/delivery HTTP/1.1\r\nhost: x\r\nx-large: ${"l".repeat(20_000)}\r\n\r\n`);
  expect(await readToEnd(socket)).toContain(" 431 ");
});

test("the admin listener answers a header that is too large with 431", async () => {
  await using admin = await AdminListener.start({
    listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
    checks: () => ({}),
  });
  const socket = connect(admin.address.kind === "tcp" ? admin.address.port : 0, "127.0.0.1");
  await once(socket, "connect");
  socket.on("error", () => undefined);
  socket.write(`GET /livez HTTP/1.1\r\nhost: x\r\nx-large: ${"l".repeat(20_000)}\r\n\r\n`);
  expect(await readToEnd(socket)).toContain(" 431 ");
});
