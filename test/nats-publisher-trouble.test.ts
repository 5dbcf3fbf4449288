import { expect, it, onTestFinished } from "vitest";
import { createPublisher } from "../src/nats/jetstream-publisher.ts";
import { ensureStream, streamState } from "../src/nats/streams.ts";
import { systemTimer } from "../src/timer.ts";
import { ManualTimer } from "./fixtures/manual-timer.ts";
import {
  disconnected,
  openLink,
  openPublisher,
  QUICK,
  reconnected,
  rejection,
  streamLayout,
  wholeText,
} from "./nats-rig.ts";
import { describeNats, startNatsServer } from "./nats-server.ts";

const PATIENT = { ...QUICK, pingIntervalMs: 60_000 };

describeNats("publishing in trouble", () => {
  it("rejects what is in flight when the server dies, at once while it is away, and goes on when it is back", async () => {
    const { server, link, publisher } = await withStream();
    server.pause();
    const inFlight = Array.from({ length: 50 }, () => rejection(publisher.publish("s.a", Buffer.from("x"))));
    const lost = disconnected(link);
    await server.stop("SIGKILL");
    await lost;
    for (const error of await Promise.all(inFlight)) {
      expect(error.reason).toBe("LOG_UNAVAILABLE");
      expect(wholeText(error)).toMatch(/connection to NATS was lost/);
    }
    const away = await rejection(publisher.publish("s.a", Buffer.from("away")));
    expect(away.reason).toBe("LOG_UNAVAILABLE");
    expect(wholeText(away)).toMatch(/there is no connection to NATS/);
    const back = reconnected(link);
    await server.start();
    await back;
    const { sequence } = await publisher.publish("s.a", Buffer.from("back"));
    expect((await streamState(link, "S")).lastSequence).toBe(sequence);
  });

  it("stores nothing later of what it rejected while there was no connection", async () => {
    const { server, link, publisher } = await withStream();
    const lost = disconnected(link);
    await server.stop();
    await lost;
    await Promise.all(
      Array.from({ length: 20 }, () => rejection(publisher.publish("s.a", Buffer.from("x")))),
    );
    const back = reconnected(link);
    await server.start();
    await back;
    await publisher.publish("s.a", Buffer.from("y"));
    expect((await streamState(link, "S")).messages).toBe(1);
  });

  it("rejects each message once its own time is over, with one timer for all", async () => {
    const timer = new ManualTimer();
    const { server, publisher } = await withStream({ timer, requestTimeoutMs: 1_000 });
    server.pause();
    const settled: string[] = [];
    const publish = (name: string) =>
      rejection(publisher.publish("s.a", Buffer.from(name))).then((error) => {
        settled.push(name);
        return error;
      });
    const first = publish("first");
    timer.advance(600);
    const second = publish("second");
    expect(timer.size).toBe(1);
    timer.advance(399);
    timer.advance(1);
    expect(wholeText(await first)).toMatch(/no answer within 1000 ms/);
    expect(settled).toEqual(["first"]);
    timer.advance(600);
    expect((await second).reason).toBe("LOG_UNAVAILABLE");
    expect(timer.size).toBe(0);
    server.resume();
  });

  it("ignores an acknowledgement that comes too late, and hands later ones to the right message", async () => {
    const timer = new ManualTimer();
    const { server, publisher, link } = await withStream({ timer, requestTimeoutMs: 1_000 });
    server.pause();
    const late = rejection(publisher.publish("s.a", Buffer.from("late")));
    timer.advance(1_000);
    await late;
    const next = publisher.publish("s.a", Buffer.from("next"));
    server.resume();
    expect(await next).toEqual({ sequence: 2, isDuplicate: false });
    expect((await streamState(link, "S")).messages).toBe(2);
  });

  it("rejects as overloaded past its bytes in flight, stores none of that, and takes more when there is room", async () => {
    const { server, publisher, link } = await withStream({ maxInFlightBytes: 10_000 });
    server.pause();
    const taken = [1, 2].map(() => publisher.publish("s.a", new Uint8Array(4_000)));
    const error = await rejection(publisher.publish("s.a", new Uint8Array(4_000)));
    expect(error).toMatchObject({ reason: "OVERLOADED", retryDelayMs: 1_000 });
    server.resume();
    await Promise.all(taken);
    await publisher.publish("s.a", new Uint8Array(4_000));
    expect((await streamState(link, "S")).messages).toBe(3);
    await publisher.publish("s.a", new Uint8Array(20_000));
  });

  it("counts bytes that timed out until the server has read them", async () => {
    const timer = new ManualTimer();
    const { server, publisher, link } = await withStream({
      timer,
      requestTimeoutMs: 1_000,
      maxInFlightBytes: 10_000,
    });
    server.pause();
    const expired = [1, 2].map(() => rejection(publisher.publish("s.a", new Uint8Array(4_000))));
    timer.advance(1_000);
    await Promise.all(expired);
    expect((await rejection(publisher.publish("s.a", new Uint8Array(4_000)))).reason).toBe("OVERLOADED");
    server.resume();
    await link.connection.flush();
    await publisher.publish("s.a", new Uint8Array(9_000));
  });

  it("counts nothing of a connection that was lost", async () => {
    const { server, publisher, link } = await withStream({ maxInFlightBytes: 10_000 });
    const back = reconnected(link);
    server.pause();
    const lost = [1, 2].map(() => rejection(publisher.publish("s.a", new Uint8Array(4_000))));
    await server.restart("SIGKILL");
    await Promise.all(lost);
    await back;
    await publisher.publish("s.a", new Uint8Array(9_000));
  });

  it("does not count bytes back twice when they timed out on a connection that was lost then", async () => {
    const timer = new ManualTimer();
    const { server, publisher, link } = await withStream({
      timer,
      requestTimeoutMs: 1_000,
      maxInFlightBytes: 10_000,
    });
    const back = reconnected(link);
    server.pause();
    const expired = [1, 2].map(() => rejection(publisher.publish("s.a", new Uint8Array(4_000))));
    timer.advance(1_000);
    await Promise.all(expired);
    await server.restart("SIGKILL");
    await back;
    server.pause();
    const taken = publisher.publish("s.a", new Uint8Array(9_000));
    expect((await rejection(publisher.publish("s.a", new Uint8Array(9_000)))).reason).toBe("OVERLOADED");
    server.resume();
    await taken;
  });

  it("rejects what is in flight and all that follows when it is disposed of", async () => {
    const { server, link } = await withStream();
    const publisher = createPublisher(link, {
      requestTimeoutMs: 5_000,
      maxInFlightBytes: 1_000,
      timer: systemTimer,
    });
    server.pause();
    const inFlight = rejection(publisher.publish("s.a", Buffer.from("x")));
    await publisher[Symbol.asyncDispose]();
    expect(wholeText(await inFlight)).toMatch(/closed/);
    expect((await rejection(publisher.publish("s.a", Buffer.from("x")))).reason).toBe("LOG_UNAVAILABLE");
    server.resume();
    await link.connection.flush();
    expect(link.isConnected).toBe(true);
  });
});

async function withStream(options: Parameters<typeof openPublisher>[1] = {}) {
  const server = await startNatsServer();
  onTestFinished(() => server[Symbol.asyncDispose]());
  const link = await openLink(server.url, {}, PATIENT);
  await ensureStream(link, streamLayout("S"));
  return { server, link, publisher: openPublisher(link, options) };
}
