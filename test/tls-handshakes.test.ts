import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { HANDSHAKE_TIMEOUT_MS, TlsFront } from "../src/server/tls/tls-front.ts";
import { openCredentials, shake, tlsConfig } from "./fixtures/tls-rig.ts";
import { readToEnd } from "./fixtures/webhook-target.ts";
import { createAuthority } from "./nats-certificates.ts";

/** A front that allows one handshake at once. */
async function startFront(handshakeTimeoutMs?: number) {
  const authority = await createAuthority();
  const { credentials } = await openCredentials(tlsConfig(await authority.issue("server", "DNS:localhost")));
  const open = new Set<Socket>();
  const front = new TlsFront({
    credentials,
    protocols: ["h2"],
    maxHandshakes: 1,
    ...(handshakeTimeoutMs === undefined ? {} : { handshakeTimeoutMs }),
    onSecure: (socket) => {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => open.delete(socket));
    },
  });
  const accepted = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    front.accept(socket);
    accepted.resolve();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    front[Symbol.dispose]();
    for (const socket of open) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { front, open, port, address: `127.0.0.1:${port}`, ca: authority.ca, accepted: accepted.promise };
}

async function stalledOn(port: number, accepted: Promise<void>): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await accepted;
  return socket;
}

test("connections whose handshake is done leave room for further handshakes", async () => {
  const { open, address, ca } = await startFront();
  for (let count = 1; count <= 3; count++) {
    await shake(address, { ca });
    await expect.poll(() => open.size).toBe(count);
  }
});

test("a handshake over the limit is cut, and the next one taken once there is room", async () => {
  const { port, address, ca, accepted } = await startFront();
  const stalled = await stalledOn(port, accepted);
  await expect(shake(address, { ca })).rejects.toThrow();
  stalled.destroy();
  await expect
    .poll(() =>
      shake(address, { ca }).then(
        () => "taken",
        () => "cut",
      ),
    )
    .toBe("taken");
});

test("a handshake that stalls is cut in time, and at once when told to", async () => {
  expect(HANDSHAKE_TIMEOUT_MS).toBeLessThanOrEqual(10_000);
  const short = await startFront(50);
  await readToEnd(await stalledOn(short.port, short.accepted));
  const long = await startFront(1_000_000);
  const stalled = await stalledOn(long.port, long.accepted);
  long.front.closeUnfinished();
  await readToEnd(stalled);
});
