import { setImmediate } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { connectNats } from "../src/nats/connect-nats.ts";
import {
  disconnected,
  natsOptions,
  openLink,
  QUICK,
  reconnected,
  rejection,
  WATCHFUL,
  wholeText,
} from "./nats-rig.ts";
import { describeNats, type NatsServer, startNatsServer } from "./nats-server.ts";

const MEBIBYTE = 1024 * 1024;

describeNats("a NATS server that hangs", () => {
  it("is given up by its missing pongs, and connected again once it goes on", async () => {
    const server = await start();
    const link = await openLink(server.url, {}, WATCHFUL);
    const lost = disconnected(link);
    server.pause();
    const waiting = rejection(link.request("nobody", Buffer.from("x")));
    await lost;
    expect(link.health().ok).toBe(false);
    expect(wholeText(await waiting)).toMatch(/connection to NATS was lost/);
    const back = reconnected(link);
    server.resume();
    await back;
    await link.connection.flush();
    expect(link.health()).toEqual({ ok: true });
  });

  it("is given up within 6 s by default", async () => {
    const server = await start();
    const link = await openLink(server.url);
    const lost = disconnected(link);
    server.pause();
    const begin = performance.now();
    await lost;
    expect(performance.now() - begin).toBeLessThan(6_500);
  });

  it("is given up although data waits in the socket", async () => {
    const server = await start();
    const link = await openLink(server.url, { maxInFlightBytes: MEBIBYTE }, WATCHFUL);
    const [lost, back] = [disconnected(link), reconnected(link)];
    server.pause();
    // Far more than the kernel takes for both ends.
    for (let sent = 0; sent < 32 && link.isConnected; sent += 1)
      link.connection.publish("x", new Uint8Array(MEBIBYTE - 1));
    await lost;
    server.resume();
    await back;
    await link.connection.flush();
  });

  it("costs bounded memory: a socket that does not drain is given up", async () => {
    const server = await start();
    const link = await openLink(
      server.url,
      { maxInFlightBytes: MEBIBYTE },
      { ...QUICK, pingIntervalMs: 60_000 },
    );
    let isLost = false;
    link.onDisconnected(() => {
      isLost = true;
    });
    server.pause();
    let sent = 0;
    while (!isLost && sent < 200) {
      link.connection.publish("x", new Uint8Array(MEBIBYTE - 1));
      sent += 1;
      await setImmediate();
    }
    expect(isLost).toBe(true);
    expect(sent).toBeGreaterThan(50);
    expect(sent).toBeLessThan(100);
    const back = reconnected(link);
    server.resume();
    await back;
  });

  it("does not hold up the end of the connection, nor of one that is being made", async () => {
    const server = await start();
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
    // The process may have others open.
    const before = sockets();
    const link = await connectNats(natsOptions(server.url), WATCHFUL);
    const lost = disconnected(link);
    server.pause();
    await lost;
    await link[Symbol.asyncDispose]();
    const error = await rejection(connectNats(natsOptions(server.url, { connectTimeoutMs: 50 }), QUICK));
    expect(error.reason).toBe("UNREACHABLE");
    await expect.poll(sockets, { interval: 5, timeout: 10_000 }).toBeLessThanOrEqual(before);
  });
});

async function start(): Promise<NatsServer> {
  const server = await startNatsServer();
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}
