import { Code } from "@connectrpc/connect";
import { beforeEach, expect, it } from "vitest";
import { ServiceError } from "../src/errors.ts";
import { DRAIN_SILENCE_MS, END_BEFORE_STOP_MS } from "../src/messages/stream-messages.ts";
import { DEFAULT_SEND_TIMEOUT_MS } from "../src/messages/stream-sends.ts";
import { StreamClient, StreamHarness, sendFrame, settle } from "./stream-messages-harness.ts";

let harness: StreamHarness;
beforeEach(() => {
  harness = new StreamHarness();
});

it("finishes what it has taken when the client closes its side, then ends well", async () => {
  const client = await harness.open();
  client.send("a", "b");
  client.requests.end();
  const first = client.results();
  await harness.begun(2);
  harness.call("b").answer();
  expect(await first).toEqual(["b: b"]);
  const second = client.results();
  await settle();
  harness.call("a").answer();
  expect(await second).toEqual(["a: a"]);
  expect(await client.next()).toBeUndefined();
  expect(harness.timer.size).toBe(0);
});

it("ends at once when a client closes its side without a send", async () => {
  const client = await harness.open();
  client.requests.end();
  expect(await client.next()).toBeUndefined();
});

it("ends its sends when the client cancels, and leaves no timer", async () => {
  const client = await harness.open();
  client.send("a", "b");
  const next = client.next();
  await harness.begun(2);
  const reason = new ServiceError(Code.Canceled, "CANCELLED", "gone");
  client.call.abort(reason);
  for (const { signal } of harness.calls) expect(signal.reason).toBe(reason);
  await expect(next).rejects.toBe(reason);
  expect(harness.timer.size).toBe(0);
  for (const { fail } of harness.calls) fail(reason);
  await settle();
  expect(harness.reports).toHaveLength(2);
});

it("ends its sends when the listener lets go of it", async () => {
  const client = await harness.open();
  client.send("a", "b");
  const first = client.next();
  await harness.begun(2);
  harness.call("a").answer();
  await first;
  await client.leave();
  expect(harness.call("b").signal.aborted).toBe(true);
  expect(harness.timer.size).toBe(0);
});

it("lets go of the client's frames when it ends", async () => {
  const returned = Promise.withResolvers<void>();
  const frames = [{ ...sendFrame("x"), frame: { case: "open", value: {} as never } } as const];
  const client = new StreamClient(harness, {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        const value = frames.shift();
        return value === undefined ? new Promise(() => undefined) : Promise.resolve({ value });
      },
      return: () => {
        returned.resolve();
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  });
  await client.expect("opened");
  const next = client.next();
  next.catch(() => undefined);
  client.call.abort(new ServiceError(Code.Canceled, "CANCELLED", "gone"));
  await expect(next).rejects.toMatchObject({ reason: "CANCELLED" });
  await returned.promise;
});

it("passes a frame's failure on, ends its sends, and reads no more", async () => {
  const broken = new ServiceError(Code.InvalidArgument, "REQUEST_INVALID", "broken frame");
  const refusing = async function* () {
    for await (const frame of feed.requests) {
      if (frame.frame.case === "send" && frame.frame.value.clientRef === "broken") throw broken;
      yield frame;
    }
  };
  const feed = new StreamClient(harness);
  const client = new StreamClient(harness, refusing());
  feed.requests.push({ ...sendFrame("x"), frame: { case: "open", value: {} as never } });
  await client.expect("opened");
  feed.send("a", "broken", "c");
  await expect(client.next()).rejects.toBe(broken);
  expect(harness.calls).toHaveLength(1);
  expect(harness.call("a").signal.aborted).toBe(true);
});

it("ends a send at its own timeout and not another", async () => {
  const client = await harness.open();
  client.requests.push(sendFrame("long", 60_000), sendFrame("short", 1_000), sendFrame("default"));
  const next = client.results();
  await harness.begun(3);
  expect(harness.calls.map(({ timeoutMs }) => timeoutMs)).toEqual([60_000, 1_000, DEFAULT_SEND_TIMEOUT_MS]);
  const aborted = () => harness.calls.map(({ signal }) => signal.aborted);
  harness.timer.advance(999);
  expect(aborted()).toEqual([false, false, false]);
  harness.timer.advance(1);
  expect(aborted()).toEqual([false, true, false]);
  expect(harness.call("short").signal.reason).toMatchObject({ code: Code.DeadlineExceeded });
  harness.call("short").fail(harness.call("short").signal.reason);
  expect(await next).toEqual([`short: error ${Code.DeadlineExceeded}`]);
  harness.timer.advance(59_000);
  expect(aborted()).toEqual([true, true, false]);
  harness.timer.advance(60_000);
  expect(aborted()).toEqual([true, true, true]);
});

it("keeps one timer for all timeouts", async () => {
  const client = await harness.open();
  void client.next();
  for (let n = 0; n < 100; n++) client.requests.push(sendFrame(`${n}`, 100_000 - n * 10));
  await harness.begun(100);
  expect(harness.timer.size).toBe(1);
});

it("does not let a send outlive the deadline of the call", async () => {
  const client = new StreamClient(harness);
  client.timeoutMs = 5_000;
  client.requests.push({ ...sendFrame("x"), frame: { case: "open", value: {} as never } });
  await client.expect("opened");
  client.send("a");
  void client.next();
  await harness.begun(1);
  expect(harness.call("a").timeoutMs).toBe(5_000);
  harness.timer.advance(5_000);
  expect(harness.call("a").signal.aborted).toBe(true);
});

it("says that it drains, refuses further sends, finishes the others and ends well on half-close", async () => {
  const client = await harness.open();
  client.send("before");
  const frame = client.expect("draining");
  await harness.begun(1);
  harness.draining.abort();
  expect(Number((await frame).stopTime?.seconds)).toBe(harness.drainStopMs / 1000);
  client.send("after");
  expect(await client.results()).toEqual([`after: error ${Code.Unavailable}`]);
  expect(harness.calls).toHaveLength(1);
  const last = client.results();
  await settle();
  harness.call("before").answer();
  expect(await last).toEqual(["before: before"]);
  client.requests.end();
  expect(await client.next()).toBeUndefined();
  expect(harness.timer.size).toBe(0);
});

it("says that it drains before it refuses a send", async () => {
  const client = await harness.open();
  harness.draining.abort();
  client.send("after");
  await settle();
  expect(await client.expect("draining")).toBeDefined();
  expect(await client.results()).toEqual([`after: error ${Code.Unavailable}`]);
});

it("breaks a draining stream off at the stop time, and ends its sends", async () => {
  const client = await harness.open();
  client.send("a");
  const frame = client.expect("draining");
  await harness.begun(1);
  harness.draining.abort();
  await frame;
  const end = client.next();
  end.catch(() => undefined);
  await settle();
  harness.timer.advance(20_000 - END_BEFORE_STOP_MS - 1);
  await settle();
  expect(harness.call("a").signal.aborted).toBe(false);
  harness.timer.advance(1);
  await expect(end).rejects.toMatchObject({ reason: "DRAINING", metadata: { outcome: "UNKNOWN" } });
  expect(harness.call("a").signal.reason).toMatchObject({ reason: "DRAINING" });
  expect(harness.timer.size).toBe(0);
});

it("ends a draining stream whose client stays silent though nothing is under way", async () => {
  const client = await harness.open();
  const frame = client.expect("draining");
  await settle();
  harness.draining.abort();
  await frame;
  const end = client.next();
  end.catch(() => undefined);
  await settle();
  harness.timer.advance(DRAIN_SILENCE_MS - 1);
  await settle();
  // A send, though refused, shows that the client is there.
  client.send("late");
  expect((await end)?.case).toBe("results");
  const last = client.next();
  last.catch(() => undefined);
  await settle();
  harness.timer.advance(DRAIN_SILENCE_MS - 1);
  await settle();
  expect(harness.timer.size).toBe(1);
  harness.timer.advance(1);
  await expect(last).rejects.toMatchObject({ reason: "DRAINING", metadata: { outcome: "NOT_SENT" } });
});
