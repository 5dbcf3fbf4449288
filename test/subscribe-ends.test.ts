import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { beforeEach, describe, expect, it } from "vitest";
import { ServiceError } from "../src/errors.ts";
import type { SettlementResult } from "../src/eventlog/subscription-engine.ts";
import { recordOf } from "./fixtures/scripted-subscriptions.ts";
import { type SubscribeClient, SubscribeHarness } from "./subscribe-harness.ts";

const ack = (...eventIds: string[]) => ({ case: "ack", value: { eventIds } }) as const;

let harness: SubscribeHarness;
let client: SubscribeClient;
beforeEach(async () => {
  harness = await SubscribeHarness.start();
  client = await harness.subscribe({ progressInterval: durationFromMs(60_000) }).begin();
});

/** The end that the session was given, once it was. */
function ends(): string[] {
  return client.session.calls.filter((call) => call.startsWith("end "));
}

async function idle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("a client that closes its side", () => {
  it("leaves in order", async () => {
    client.requests.end();
    expect(await client.next()).toBeUndefined();
    expect(ends()).toEqual(["end LEFT"]);
    expect(harness.timer.size).toBe(0);
  });

  it("gets the answers to what it has sent before, and no more events", async () => {
    const stored = Promise.withResolvers<SettlementResult>();
    client.session.onSettle = () => stored.promise;
    client.send(ack("e1"));
    client.requests.end();
    const frame = client.next();
    await idle();
    client.session.give({ record: recordOf(1), attempt: 1 });
    await idle();
    expect(ends()).toEqual([]);
    stored.resolve({ acked: 1, nacked: 0, failures: [] });
    expect(await frame).toMatchObject({ case: "ackResult", value: { acked: 1 } });
    expect(await client.next()).toBeUndefined();
    expect(ends()).toEqual(["end LEFT"]);
    expect(client.session.left).toBe(1);
  });
});

describe("a call that ends", () => {
  it.each([
    ["cancelled", new ServiceError(Code.Canceled, "CANCELLED", "c"), "CANCELLED", "end CONNECTION_LOST"],
    ["broken, on Connect", new ConnectError("c", Code.Canceled), "CANCELLED", "end CONNECTION_LOST"],
    [
      "past its deadline",
      new ServiceError(Code.DeadlineExceeded, "DEADLINE_EXCEEDED", "d"),
      "DEADLINE_EXCEEDED",
      "end LEFT",
    ],
    [
      "stopped with the service",
      new ServiceError(Code.Unavailable, "DRAINING", "s"),
      "DRAINING",
      "end DRAINED",
    ],
  ])("because it was %s ends its session at once", async (_what, reason, expected, end) => {
    const frame = client.next();
    await harness.timer.idle();
    client.call.abort(reason);
    expect(ends()).toEqual([end]);
    await expect(frame).rejects.toMatchObject({ reason: expected });
  });

  it("ends its session also while nobody runs the stream", async () => {
    client.session.give({ record: recordOf(1), attempt: 1 });
    await client.expect("events");
    client.call.abort(new ServiceError(Code.Canceled, "CANCELLED", "c"));
    expect(ends()).toEqual(["end CONNECTION_LOST"]);
    await client.leave();
    expect(ends()).toEqual(["end CONNECTION_LOST"]);
  });

  it("is a deadline when the client leaves a moment before it", async () => {
    client.timeoutMs = 400;
    client.call.abort(new ConnectError("c", Code.Canceled));
    expect(ends()).toEqual(["end LEFT"]);
  });

  it("gives back what was taken and not sent to the client, so that it counts nothing", async () => {
    const taking = Promise.withResolvers<void>();
    client.session.beforeTake = () => taking.promise;
    client.session.give({ record: recordOf(1), attempt: 1 });
    const frame = client.next();
    await idle();
    client.send({ case: "ping", value: {} });
    expect((await frame)?.case).toBe("progress");
    taking.resolve();
    await idle();
    client.call.abort(new ConnectError("c", Code.Canceled));
    expect(client.session.calls.slice(-2)).toEqual(["release 1", "end CONNECTION_LOST"]);
  });

  it("ends its session when the listener stops reading", async () => {
    client.session.give({ record: recordOf(1), attempt: 1 });
    await client.expect("events");
    await client.leave();
    expect(ends()).toEqual(["end CONNECTION_LOST"]);
    expect(harness.timer.size).toBe(0);
  });
});

it("fails when the session's lease runs out, with the reason of the session", async () => {
  const frame = client.next();
  await harness.timer.idle();
  client.session.expire(new ServiceError(Code.Aborted, "SESSION_EXPIRED", "quiet"));
  await expect(frame).rejects.toMatchObject({ code: Code.Aborted, reason: "SESSION_EXPIRED" });
  expect(harness.timer.size).toBe(0);
});

describe("a service that drains", () => {
  beforeEach(async () => {
    const frame = client.expect("draining");
    await harness.timer.idle();
    harness.draining.abort();
    expect((await frame).stopTime).toMatchObject({ seconds: 20n });
  });

  it("delivers nothing more, but stores acks until the client leaves", async () => {
    client.session.give({ record: recordOf(1), attempt: 1 });
    client.send(ack("e1"));
    expect((await client.expect("ackResult")).acked).toBe(1);
    client.requests.end();
    expect(await client.next()).toBeUndefined();
    expect(ends()).toEqual(["end LEFT"]);
    expect(client.session.left).toBe(1);
  });

  it("ends the stream in order before its time is up", async () => {
    const end = client.next();
    await harness.timer.idle();
    harness.nowMs = 19_900;
    harness.timer.advance(9_800);
    expect(await end).toBeUndefined();
    expect(ends()).toEqual(["end DRAINED"]);
  });

  it("ends the stream in order when the engine has drained", async () => {
    const end = client.next();
    await harness.timer.idle();
    await harness.engine.drain();
    expect(await end).toBeUndefined();
  });
});

it("tells of the drain also when the engine has drained before", async () => {
  harness.draining.abort();
  await harness.engine.drain();
  await client.expect("draining");
  expect(await client.next()).toBeUndefined();
});

it("refuses to begin while the service drains", async () => {
  harness.draining.abort();
  await expect(harness.subscribe().next()).rejects.toMatchObject({ reason: "DRAINING" });
});
