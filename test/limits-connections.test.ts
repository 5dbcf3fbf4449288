import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { MAX_HANDSHAKES } from "../src/server/tls/tls-front.ts";
import { callOver, openCredentials, openSession, tlsConfig } from "./fixtures/tls-rig.ts";
import { readToEnd } from "./fixtures/webhook-target.ts";
import { createAuthority } from "./nats-certificates.ts";
import { Rig } from "./server-rig.ts";

/** First byte of a TLS record that announces a handshake, and no more. */
const HALF_A_HELLO = Buffer.of(0x16, 3, 1);

async function startRig(limits: { maxConnections?: number; handshakeTimeoutMs?: number }, withTls = false) {
  const authority = withTls ? await createAuthority() : undefined;
  const issued = await authority?.issue("server", "DNS:localhost,IP:127.0.0.1");
  const tls = issued && (await openCredentials(tlsConfig(issued))).credentials;
  const rig = await Rig.start({ grpcLimits: limits, httpLimits: limits, ...(tls && { tls }) });
  onTestFinished(() => rig[Symbol.asyncDispose]());
  return { rig, ca: authority?.ca ?? "" };
}

async function dial(address: string): Promise<Socket> {
  const [host = "", port] = address.split(":");
  const socket = connect(Number(port), host);
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

describe.each([
  ["gRPC", (rig: Rig) => rig.grpcAddress],
  ["HTTP", (rig: Rig) => rig.httpAddress],
])("the %s listener", (_name, address) => {
  test("takes no connections over its limit, serves those it has, and takes others when there is room", async () => {
    const { rig } = await startRig({ maxConnections: 2 });
    const first = openSession(address(rig));
    expect(await callOver(first)).toBe("0");
    const silent = await dial(address(rig));
    const surplus = await dial(address(rig));
    expect(await readToEnd(surplus)).toBe("");
    expect(await callOver(first)).toBe("0");
    silent.destroy();
    const again = async () => callOver(openSession(address(rig))).catch(() => "refused");
    await expect.poll(again).toBe("0");
  });

  test("cuts TLS handshakes that stall, and serves others meanwhile", async () => {
    const { rig, ca } = await startRig({ handshakeTimeoutMs: 500 }, true);
    const silent = await dial(address(rig));
    const stalled = await dial(address(rig));
    stalled.write(HALF_A_HELLO);
    const ended = Promise.all([silent, stalled].map(readToEnd));
    expect(await callOver(openSession(address(rig), { ca }))).toBe("0");
    await ended;
  });

  test("counts handshakes: stalled ones cannot take all connections", async () => {
    const { rig, ca } = await startRig({}, true);
    const sockets = await Promise.all(Array.from({ length: MAX_HANDSHAKES }, () => dial(address(rig))));
    const surplus = await dial(address(rig));
    expect(await readToEnd(surplus)).toBe("");
    expect(sockets.filter((socket) => socket.destroyed)).toEqual([]);
    sockets[0]?.destroy();
    const again = async () => callOver(openSession(address(rig), { ca })).catch(() => "refused");
    await expect.poll(again).toBe("0");
  });
});
