import { connect } from "node:net";
import { expect, test } from "vitest";
import { ManualClock } from "../src/simulator/manual-clock.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import { call, SEND, smsTo } from "./simulator-requests.ts";
import { WebhookSink } from "./simulator-sink.ts";

async function openIdleConnection(base: string) {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  return { socket, closed };
}

test("closes at once with keep-alive connections, hanging requests and callbacks outstanding", async () => {
  await using sink = await WebhookSink.open(() => "hang");
  const simulator = createSimulator({
    deliveryUrl: sink.url("/delivery"),
    reportDelayMs: 0,
    batchWindowMs: 0,
  });
  const base = await simulator.start();
  const silent = await openIdleConnection(base);
  await call(base, "POST", SEND, smsTo("1", "99006"));
  await sink.until(1);
  simulator.injectFaults({ kind: "hang" });
  const hanging = call(base, "POST", SEND, smsTo("2"));
  const failed = expect(hanging).rejects.toThrow();
  await simulator.whenReceived("messages", 2);
  const idle = simulator.idle();

  const began = performance.now();
  await simulator[Symbol.asyncDispose]();
  expect(performance.now() - began).toBeLessThan(1_000);

  await Promise.all([silent.closed, failed, idle]);
  await expect(fetch(base)).rejects.toThrow();
});

test("those who wait for requests are told when the simulator closes", async () => {
  const simulator = createSimulator();
  await simulator.start();
  const waiting = expect(simulator.whenReceived("messages", 1)).rejects.toThrow(/closed/);

  await simulator[Symbol.asyncDispose]();

  await waiting;
});

test("a port in use is an error of start", async () => {
  await using first = createSimulator();
  const port = Number(new URL(await first.start()).port);
  const second = createSimulator({ port });

  await expect(second.start()).rejects.toThrow(/EADDRINUSE/);

  await second[Symbol.asyncDispose]();
});

test("idle resolves at once when nothing was sent, and only after the last callback otherwise", async () => {
  await using sink = await WebhookSink.open();
  await using simulator = createSimulator({ deliveryUrl: sink.url("/d"), seenUrl: sink.url("/s") });
  await simulator.idle();
  const base = await simulator.start();
  const message = { ...smsTo("99001").messages[0], channel: "RCS" };
  await call(base, "POST", SEND, { messages: [message] });

  await simulator.idle();

  expect(sink.received.map((one) => one.path)).toEqual(["/d", "/s"]);
});

test("leaves no timer behind", async () => {
  const clock = new ManualClock();
  await using sink = await WebhookSink.open(() => "hang");
  const simulator = createSimulator({ clock, deliveryUrl: sink.url("/delivery"), reportDelayMs: 0 });
  const base = await simulator.start();
  await call(base, "POST", SEND, smsTo("1", "99006"));
  clock.advance(5);
  await sink.until(1);
  expect(clock.pendingDelays()).toHaveLength(2);

  await simulator[Symbol.asyncDispose]();

  expect(clock.pendingDelays()).toEqual([]);
});

test("can be closed without having been started", async () => {
  await expect(createSimulator()[Symbol.asyncDispose]()).resolves.toBeUndefined();
});
