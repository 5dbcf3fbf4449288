import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { beforeEach, describe, expect, it } from "vitest";
import { AckFailureReason, SubscribeRequestSchema } from "../gen/infobip/events/v1/subscribe_pb.js";
import { BlockedReason } from "../gen/infobip/events/v1/subscription_pb.js";
import { ServiceError } from "../src/errors.ts";
import { encodeCursor } from "../src/eventlog/cursor.ts";
import type { SettlementResult } from "../src/eventlog/subscription-engine.ts";
import { MAX_UNANSWERED_FRAMES } from "../src/events/client-frames.ts";
import { recordOf } from "./fixtures/scripted-subscriptions.ts";
import { NAME, SubscribeClient, SubscribeHarness } from "./subscribe-harness.ts";

const ack = (...eventIds: string[]) => ({ case: "ack", value: { eventIds } }) as const;
const ping = { case: "ping", value: {} } as const;

let harness: SubscribeHarness;
beforeEach(async () => {
  harness = await SubscribeHarness.start();
});

/** The error that a stream fails with. */
async function failureOf(work: Promise<unknown>): Promise<ServiceError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ServiceError)) throw new Error(`failed with ${String(error)}`);
  return error;
}

describe("the start", () => {
  it("is answered at once with the session and the subscription", async () => {
    const client = harness.subscribe();
    const started = await client.expect("started");
    expect(started).toMatchObject({ sessionId: "session-1", leaseExpireTime: { seconds: 50n } });
    expect(started.subscription).toMatchObject({ name: NAME, maxInFlight: 9, maxAttempts: 3 });
    expect(client.session.options).toEqual({ clientId: "", leaseMs: 30_000, maxOutstanding: 1_000 });
  });

  it("says how the consumer wants its session", async () => {
    const client = harness.subscribe({ clientId: "c", lease: durationFromMs(7_000), maxOutstanding: 5 });
    await client.begin();
    expect(client.session.options).toEqual({ clientId: "c", leaseMs: 7_000, maxOutstanding: 5 });
  });

  it.each([
    ["another frame", (client: SubscribeClient) => client.send(ping)],
    ["the end", (client: SubscribeClient) => client.requests.end()],
    ["nothing in time", () => void harness.timer.idle().then(() => harness.timer.advance(30_000))],
  ])("is missed when %s comes instead", async (_what, act) => {
    const client = new SubscribeClient(harness);
    act(client);
    const error = await failureOf(client.next());
    expect(error).toMatchObject({ reason: "REQUEST_INVALID", violations: [{ field: "start" }] });
    expect(harness.timer.size).toBe(0);
  });

  it("comes only once: a second one ends the session as broken", async () => {
    const client = await harness.subscribe().begin();
    client.send({ case: "start", value: { subscription: NAME } });
    expect(await failureOf(client.next())).toMatchObject({ reason: "REQUEST_INVALID" });
    expect(client.session.calls).toContain("end CONNECTION_LOST");
  });

  it("fails for an unknown subscription", async () => {
    const client = harness.subscribe({ subscription: "subscriptions/nope" });
    expect(await failureOf(client.next())).toMatchObject({ reason: "SUBSCRIPTION_UNKNOWN" });
  });
});

describe("deliveries", () => {
  it("come as soon as they are there, with their attempts", async () => {
    const client = await harness.subscribe().begin();
    const frame = client.expect("events");
    await harness.timer.idle();
    client.session.give({ record: recordOf(1), attempt: 1 }, { record: recordOf(2), attempt: 300 });
    const { events } = await frame;
    expect(events.map(({ event, attempt }) => [event?.id, attempt])).toEqual([
      ["e1", 1],
      ["e2", 300],
    ]);
  });

  it("are split into frames of 256 events and 1 MiB, a larger event alone", async () => {
    harness.engine.onJoin = (session) => {
      for (let n = 1; n <= 300; n++) session.give({ record: recordOf(n), attempt: 1 });
      for (let n = 301; n <= 303; n++) session.give({ record: recordOf(n, `e${n}`, 600 * 1024), attempt: 1 });
      session.give({ record: recordOf(304, "e304", 1_200 * 1024), attempt: 1 });
    };
    const client = harness.subscribe();
    await client.expect("started");
    const sizes: number[] = [];
    for (let sum = 0; sum < 304; sum += sizes.at(-1) ?? 0)
      sizes.push((await client.until("events")).events.length);
    expect(sizes).toEqual([256, 45, 1, 1, 1]);
  });

  it("are taken only when the client reads", async () => {
    harness.engine.onJoin = (session) => {
      for (let n = 1; n <= 1_000; n++) session.give({ record: recordOf(n), attempt: 1 });
    };
    const client = harness.subscribe();
    await client.expect("started");
    await client.until("events");
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(client.session.left).toBeGreaterThanOrEqual(1_000 - 2 * 256);
  });

  it("tell what retention has removed", async () => {
    const client = await harness.subscribe().begin();
    client.session.lose(3, 8);
    const gap = await client.until("gap");
    expect(gap.fromCursor).toBe(encodeCursor(harness.log.id, 3));
    expect(gap.toCursor).toBe(encodeCursor(harness.log.id, 8));
  });

  it("do not wait for acks that are being stored", async () => {
    const client = await harness.subscribe().begin();
    const stored = Promise.withResolvers<SettlementResult>();
    client.session.onSettle = () => stored.promise;
    client.send(ack("e1"));
    const frame = client.next();
    await harness.timer.idle();
    client.session.give({ record: recordOf(2), attempt: 1 });
    expect((await frame)?.case).toBe("events");
    stored.resolve({ acked: 1, nacked: 0, failures: [] });
    expect((await client.expect("ackResult")).acked).toBe(1);
  });

  it("end with the error of a log that cannot be read, and count nothing", async () => {
    const client = await harness.subscribe().begin();
    client.session.beforeTake = () => {
      throw new ServiceError(Code.Unavailable, "LOG_UNAVAILABLE", "no disk");
    };
    client.session.give({ record: recordOf(1), attempt: 1 });
    expect(await failureOf(client.next())).toMatchObject({ reason: "LOG_UNAVAILABLE" });
    expect(client.session.calls).toContain("end LEFT");
  });
});

describe("acks and nacks", () => {
  it("are answered singly and in order, however they are stored", async () => {
    const client = await harness.subscribe().begin();
    const stored: PromiseWithResolvers<SettlementResult>[] = [];
    client.session.onSettle = () => {
      stored.push(Promise.withResolvers<SettlementResult>());
      return stored.at(-1)?.promise ?? Promise.reject(new Error());
    };
    client.send(
      ack("e1"),
      { case: "nack", value: { eventIds: ["e2"], delay: durationFromMs(500) } },
      ack("e3"),
    );
    const first = client.next();
    await expect.poll(() => stored.length).toBe(3);
    stored[2]?.resolve({ acked: 3, nacked: 0, failures: [] });
    stored[1]?.resolve({ acked: 0, nacked: 2, failures: [{ eventId: "e2", reason: "NOT_HELD" }] });
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    stored[0]?.resolve({ acked: 1, nacked: 0, failures: [] });
    expect(await first).toMatchObject({ case: "ackResult", value: { acked: 1 } });
    expect(await client.expect("ackResult")).toMatchObject({
      nacked: 2,
      failures: [{ eventId: "e2", reason: AckFailureReason.NOT_HELD }],
      leaseExpireTime: { seconds: 50n },
    });
    expect((await client.expect("ackResult")).acked).toBe(3);
    expect(client.session.settlements).toEqual([
      { ackIds: ["e1"], nacks: [] },
      { ackIds: [], nacks: [{ ids: ["e2"], delayMs: 500 }] },
      { ackIds: ["e3"], nacks: [] },
    ]);
  });

  it("name a position by its cursor", async () => {
    const client = await harness.subscribe().begin();
    client.send({ case: "ack", value: { throughCursor: encodeCursor(harness.log.id, 0) } });
    await client.expect("ackResult");
    expect(client.session.settlements).toEqual([{ ackIds: [], ackThrough: 0, nacks: [] }]);
  });

  it.each([
    ["no cursor", "nonsense", "CURSOR_MALFORMED"],
    ["a cursor of another log", encodeCursor("ffffffffffffffff", 0), "CURSOR_FOREIGN_LOG"],
    ["a cursor past the end", encodeCursor("0123456789abcdef", 7), "CURSOR_AHEAD"],
  ])("with %s end the session as broken", async (_what, throughCursor, reason) => {
    const client = await harness.subscribe().begin();
    client.send({ case: "ack", value: { throughCursor } });
    expect(await failureOf(client.next())).toMatchObject({ reason });
    expect(client.session.calls).toContain("end CONNECTION_LOST");
  });

  it("are read ahead of their answers only so far", async () => {
    const client = await harness.subscribe().begin();
    client.session.onSettle = () => new Promise(() => undefined);
    client.send(...Array.from({ length: 500 }, (_, n) => ack(`e${n}`)));
    void client.next().catch(() => undefined);
    await expect.poll(() => client.session.settlements.length).toBe(MAX_UNANSWERED_FRAMES);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(client.requests.taken).toBe(1 + MAX_UNANSWERED_FRAMES);
    client.call.abort();
  });

  it("with many ids are read ahead even less", async () => {
    const client = await harness.subscribe().begin();
    client.session.onSettle = () => new Promise(() => undefined);
    client.send(
      ...Array.from({ length: 10 }, () => ack(...Array.from({ length: 150 }, () => "x".repeat(4_000)))),
    );
    void client.next().catch(() => undefined);
    await expect.poll(() => client.session.settlements.length).toBe(2);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(client.session.settlements).toHaveLength(2);
    client.call.abort();
  });

  it("are all answered when there are more than can be read ahead", async () => {
    const client = await harness.subscribe().begin();
    client.send(...Array.from({ length: 500 }, (_, n) => ack(`e${n}`)));
    for (let n = 0; n < 500; n++) await client.expect("ackResult");
  });
});

describe("the lease and the progress", () => {
  it("renews the lease with each ping, and answers it with progress", async () => {
    const client = await harness.subscribe().begin();
    client.session.currentProgress = {
      ...client.session.currentProgress,
      blocked: "MAX_OUTSTANDING",
      inFlight: 5,
    };
    client.send(ping, ping);
    for (let n = 0; n < 2; n++)
      expect(await client.expect("progress")).toMatchObject({
        blocked: BlockedReason.MAX_OUTSTANDING,
        inFlight: 5,
      });
    expect(client.session.calls).toEqual(["renew usual", "renew usual"]);
  });

  it("sets the lease anew for once", async () => {
    const client = await harness.subscribe().begin();
    client.send({ case: "extend", value: { lease: durationFromMs(90_000) } }, ping);
    await client.expect("progress");
    expect(client.session.calls).toEqual(["renew 90000", "renew usual"]);
  });

  it("tells the progress every interval, also while acks are stored", async () => {
    const client = await harness.subscribe({ progressInterval: durationFromMs(2_000) }).begin();
    client.session.onSettle = () => new Promise(() => undefined);
    client.session.currentProgress = {
      ...client.session.currentProgress,
      settledTo: 4,
      head: 9,
      lagEvents: 5,
      oldestTimeMs: 8_500,
    };
    client.send(ack("e1"));
    for (let n = 0; n < 3; n++) {
      const frame = client.expect("progress");
      await harness.timer.idle();
      harness.timer.advance(1_999);
      harness.timer.advance(1);
      expect(await frame).toMatchObject({
        cursor: encodeCursor(harness.log.id, 4),
        headCursor: encodeCursor(harness.log.id, 9),
        lagEvents: 5n,
        lag: { seconds: 1n, nanos: 500_000_000 },
      });
    }
    client.call.abort();
  });

  it("tells the progress when it has caught up, not after every event", async () => {
    harness.engine.onJoin = (session) => {
      for (let n = 1; n <= 256; n++) session.give({ record: recordOf(n), attempt: 1 });
    };
    const client = harness.subscribe();
    await client.expect("started");
    await client.expect("events");
    await client.expect("progress");
    for (let n = 300; n < 303; n++) {
      client.session.give({ record: recordOf(n), attempt: 1 });
      await client.expect("events");
    }
  });
});

it("reads no frame of a client before the start is answered", async () => {
  const client = harness.subscribe();
  client.send(ack("e1"));
  await client.expect("started");
  expect(client.session.settlements).toEqual([]);
  expect((await client.until("ackResult")).acked).toBe(1);
  expect(create(SubscribeRequestSchema).frame.case).toBeUndefined();
});
