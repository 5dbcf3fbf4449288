import type { Msg } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WATCH_INTERVAL_MS } from "../src/eventlog/jetstream/stream-watch.ts";
import type { NatsLink } from "../src/nats/nats-link.ts";
import { type ClockTimer, systemTimer } from "../src/timer.ts";
import { sampleEvents } from "./event-log-samples.ts";
import { startLogProcess, watchIds, withChanges } from "./fixtures/jetstream-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

type Callback = (error: Error | null, message: Msg) => void;

/** The link, with a say in what consumers' subscriptions are given: `false` loses the message. */
function lossy(link: NatsLink, passes: (message: Msg) => boolean): NatsLink {
  const { connection } = link;
  const subscribe = (subject: string, options: { callback: Callback }) =>
    connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null || passes(message)) options.callback(error, message);
      },
    });
  const lossyConnection = withChanges(connection, { subscribe });
  return withChanges(link, { connection: lossyConnection });
}

const isEvent = (message: Msg): boolean => (message.reply ?? "").startsWith("$JS.ACK.");
const ids = (from: number, to: number) => sampleEvents(from, to).map((event) => event.columns.messageId);

describeNats("event log in NATS, consumers that go wrong", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("gets a message that was lost on the way", async () => {
    await using process = await startLogProcess(server.url, uniquePrefix());
    let events = 0;
    const link = lossy(process.link, (message) => !isEvent(message) || ++events !== 7);
    const log = await process.open({ link });
    await log.append(sampleEvents(1, 20));
    expect(await watchIds(log, 0, 20)).toEqual(ids(1, 20));
    expect(events).toBeGreaterThan(20);
  });

  it("takes no message twice, though it is delivered twice", async () => {
    await using process = await startLogProcess(server.url, uniquePrefix());
    const link = withChanges(process.link, {
      connection: withChanges(process.link.connection, {
        subscribe: (subject: string, { callback }: { callback: Callback }) =>
          process.link.connection.subscribe(subject, {
            callback: (error, message) => {
              callback(error, message);
              if (error === null && isEvent(message)) callback(error, message);
            },
          }),
      }),
    });
    const log = await process.open({ link });
    await log.append(sampleEvents(1, 5));
    expect(await watchIds(log, 0, 5)).toEqual(ids(1, 5));
    expect(log.bounds()).toEqual({ earliest: 0, head: 5 });
  });

  it("notices a consumer that has gone silent, also when nothing is missing", async () => {
    await using process = await startLogProcess(server.url, uniquePrefix());
    let isSilent = false;
    let aheadMs = 0;
    let consumers = 0;
    const link = withChanges(
      lossy(process.link, () => !isSilent),
      {
        request: (subject: string, payload: Uint8Array) => {
          if (subject.includes("CONSUMER.CREATE")) consumers++;
          return process.link.request(subject, payload);
        },
      },
    );
    // Looks at the stream stay as rare as they are: they must not be what notices.
    const timer: ClockTimer = {
      now: () => systemTimer.now() + aheadMs,
      schedule: (ms, callback) => systemTimer.schedule(ms === WATCH_INTERVAL_MS ? ms : ms / 40, callback),
    };
    const log = await process.open({ link, timer });
    await log.append(sampleEvents(1, 2));
    isSilent = true;
    aheadMs = 6_001;
    await expect.poll(() => consumers, { timeout: 3_000, interval: 10 }).toBeGreaterThan(1);
    isSilent = false;
    await log.append(sampleEvents(3, 6));
    expect(await watchIds(log, 0, 6)).toEqual(ids(1, 6));
  });

  it("notices a consumer that shows signs of life and delivers nothing", async () => {
    await using process = await startLogProcess(server.url, uniquePrefix());
    let isStuck = false;
    let consumers = 0;
    const link = withChanges(
      lossy(process.link, (message) => !isStuck || !isEvent(message)),
      {
        request: (subject: string, payload: Uint8Array) => {
          if (subject.includes("CONSUMER.CREATE") && ++consumers > 1) isStuck = false;
          return process.link.request(subject, payload);
        },
      },
    );
    // Only the looks at the stream are faster: heartbeats come, so the consumer never counts as silent.
    const timer: ClockTimer = {
      now: systemTimer.now,
      schedule: (ms, callback) => systemTimer.schedule(ms === WATCH_INTERVAL_MS ? 100 : ms, callback),
    };
    const log = await process.open({ link, timer });
    await log.append(sampleEvents(1, 2));
    isStuck = true;
    await log.append(sampleEvents(3, 6));
    expect(await watchIds(log, 0, 6)).toEqual(ids(1, 6));
    expect(consumers).toBe(2);
  });
});
