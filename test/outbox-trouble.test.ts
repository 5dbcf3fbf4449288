import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { SubmissionState, UnknownOutcomePolicy } from "../gen/infobip/messages/v1/submission_pb.js";
import type { ServiceError } from "../src/errors.ts";
import { FAILURES_TO_CLOSE } from "../src/outbox/gate.ts";
import { newSubmission, notSent, openRig, settled } from "./outbox-harness.ts";

const { QUEUED, SENDING, ACCEPTED, OUTCOME_UNKNOWN } = SubmissionState;
const AT_LEAST_ONCE = { policy: UnknownOutcomePolicy.AT_LEAST_ONCE };
const ids = (count: number) => Array.from({ length: count }, (_, n) => `s${n}`);

describe("an upstream that fails", () => {
  it.each([
    {
      name: "a circuit that is open",
      error: notSent("UPSTREAM_UNREACHABLE", Code.Unavailable, { metadata: { circuit: "open" } }),
    },
    { name: "rejected credentials", error: notSent("UPSTREAM_CREDENTIALS_REJECTED", Code.Unauthenticated) },
    { name: "a full queue", error: notSent("OVERLOADED", Code.ResourceExhausted) },
  ])("sends one to see whether it works again, and the rest once it does: $name", async ({ error }) => {
    const held: ServiceError[] = [];
    let resumed = 0;
    let isDown = true;
    await using rig = await openRig({
      hooks: { onHeld: (cause) => held.push(cause), onResumed: () => resumed++ },
      onHanded: (handed) => {
        if (isDown) handed.fail(error);
      },
    });
    for (const id of ids(50)) await rig.submit(id);
    const tried = rig.handed.length;
    expect(tried).toBeLessThan(3);
    for (let minute = 0; minute < 10; minute++) await rig.advance(60_000);
    expect(rig.handed.length).toBeLessThan(60);
    expect(held.length).toBeGreaterThan(5);
    // Nothing of it was an attempt of a submission, and no change was worth a commit.
    expect(new Set(rig.changes)).toEqual(new Set(ids(50).map((id) => `${id} QUEUED 0`)));
    isDown = false;
    const before = rig.handed.length;
    await rig.advance(31_000);
    expect(rig.handed).toHaveLength(before + 1);
    (await rig.leave()).answer();
    await settled();
    expect(resumed).toBe(1);
    expect(rig.handed).toHaveLength(before + 50);
    const order = rig.handed.slice(before).map(({ messageIds }) => messageIds[0]);
    expect(order).toEqual(ids(50).map((id) => `${id}-1`));
  });

  it("closes after several failures in a row that may be the submissions' own", async () => {
    const held: number[] = [];
    await using rig = await openRig({
      limits: { concurrency: 1 },
      hooks: { onHeld: (_, ms) => held.push(ms) },
    });
    for (const id of ids(20)) await rig.submit(id);
    for (let n = 0; n < FAILURES_TO_CLOSE; n++) {
      expect(held).toEqual([]);
      (await rig.leave()).fail(notSent("UPSTREAM_FORBIDDEN", Code.PermissionDenied));
      await settled();
    }
    expect(held).toHaveLength(1);
    expect(rig.handed).toHaveLength(FAILURES_TO_CLOSE);
  });

  it("is not held back by a submission that is refused", async () => {
    await using rig = await openRig({ limits: { concurrency: 1 } });
    for (const id of ids(10)) await rig.submit(id);
    for (let n = 0; n < 10; n++) {
      (await rig.leave()).fail(notSent("UPSTREAM_REJECTED", Code.InvalidArgument));
      await settled();
    }
    expect(rig.handed).toHaveLength(10);
  });
});

describe("a store that fails", () => {
  it("accepts nothing, and what was perhaps stored is sent all the same", async () => {
    await using rig = await openRig();
    rig.faults.commits = true;
    await expect(rig.outbox.submit(newSubmission("a"))).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    rig.faults.commits = false;
    rig.faults.confirmations = true;
    await expect(rig.outbox.submit(newSubmission("b"))).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    rig.faults.confirmations = false;
    await settled();
    expect(rig.handed.map(({ messageIds }) => messageIds[0])).toEqual(["b-1"]);
    expect(await rig.submit("b")).toMatchObject({ state: QUEUED });
    await rig.submit("c");
    expect(rig.outbox.state().byState.get(QUEUED)).toBe(2);
  });

  it("lets nothing leave whose SENDING is not durable, and goes on when the store works again", async () => {
    await using rig = await openRig();
    await rig.submit("a");
    await rig.submit("b");
    rig.faults.commits = true;
    expect((await rig.leave(0)).left).toBe(0);
    await rig.leave(1);
    for (let n = 0; n < 5; n++) await rig.advance(60_000);
    expect(rig.handed.every(({ left }) => left === 0)).toBe(true);
    rig.faults.commits = false;
    while (rig.waiting[0] !== undefined) {
      await rig.waiting[0].leave();
      rig.waiting[0].answer();
      await rig.advance(60_000);
    }
    expect(await rig.stateOf("a")).toBe(ACCEPTED);
    expect(await rig.stateOf("b")).toBe(ACCEPTED);
    expect(rig.changes.filter((change) => change.startsWith("a"))).toEqual([
      "a QUEUED 0",
      "a SENDING 1",
      "a ACCEPTED 1",
    ]);
  });

  it("keeps results that it cannot store, and does nothing else to their submissions before", async () => {
    await using rig = await openRig();
    await rig.submit("a");
    const handed = await rig.leave();
    rig.faults.commits = true;
    handed.answer();
    await settled();
    expect(await rig.stateOf("a")).toBe(SENDING);
    await expect(rig.outbox.cancel("a")).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    rig.faults.commits = false;
    await rig.advance(2_000);
    expect(await rig.stateOf("a")).toBe(ACCEPTED);
    expect(rig.handed).toHaveLength(1);
  });

  it("holds no more in memory than it hands over, whatever it cannot store", async () => {
    await using rig = await openRig({ limits: { concurrency: 5 } });
    for (const id of ids(40)) await rig.submit(id);
    for (const handed of rig.waiting) await handed.leave();
    rig.faults.commits = true;
    for (const handed of rig.waiting) handed.answer();
    for (let n = 0; n < 5; n++) await rig.advance(60_000);
    expect(rig.handed).toHaveLength(5);
    expect(rig.outbox.state().inFlight).toBe(5);
  });

  it("reads again when a read has failed", async () => {
    const store = await storeWith(["a", "b"]);
    const rig = await openRig({ store, start: false });
    rig.faults.reads = true;
    rig.outbox.start();
    await rig.advance(10);
    expect(rig.handed).toHaveLength(0);
    rig.faults.reads = false;
    await rig.advance(2_000);
    expect(rig.handed).toHaveLength(2);
    await rig[Symbol.asyncDispose]();
  });
});

describe("what an earlier process has left", () => {
  it("decides about SENDING ones by their policy before anything is sent", async () => {
    const before = await openRig();
    await before.submit("once");
    await before.submit("least", AT_LEAST_ONCE);
    await before.submit("waits", { sendAfterMs: before.timer.wallClock() + 1_000 });
    await before.leave(0);
    await before.leave(1);
    const store = before.store.copy();
    const rig = await openRig({ store, timer: before.timer, start: false });
    expect(await rig.stateOf("once")).toBe(OUTCOME_UNKNOWN);
    expect(await rig.outbox.get("least")).toMatchObject({
      state: QUEUED,
      attempts: 1,
      lastError: { code: 2 },
    });
    expect(rig.handed).toHaveLength(0);
    rig.outbox.start();
    await settled();
    expect(rig.handed.map(({ messageIds }) => messageIds)).toEqual([["least-1"]]);
    await rig.advance(1_000);
    expect(rig.handed.map(({ messageIds }) => messageIds[0])).toEqual(["least-1", "waits-1"]);
    expect(await rig.submit("new")).toMatchObject({ state: QUEUED });
    expect(rig.store.records.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    await rig[Symbol.asyncDispose]();
    await before[Symbol.asyncDispose]();
  });

  it("opens while the store takes nothing, and decides about SENDING ones once it does", async () => {
    const before = await openRig();
    await before.submit("once");
    await before.submit("least", AT_LEAST_ONCE);
    await before.leave(0);
    await before.leave(1);
    const store = before.store.copy();
    const { commit } = store;
    store.commit = () => Promise.reject(notSent("LOG_UNAVAILABLE"));
    const rig = await openRig({ store, timer: before.timer });
    expect(await rig.stateOf("once")).toBe(SENDING);
    await rig.advance(5_000);
    expect(rig.handed).toHaveLength(0);
    store.commit = commit;
    await rig.advance(60_000);
    expect(await rig.stateOf("once")).toBe(OUTCOME_UNKNOWN);
    expect(rig.handed.map(({ messageIds }) => messageIds)).toEqual([["least-1"]]);
    await rig[Symbol.asyncDispose]();
    await before[Symbol.asyncDispose]();
  });

  it("does not open when the store cannot be read", async () => {
    const store = await storeWith(["a"]);
    store.counts = () => Promise.reject(notSent("LOG_UNAVAILABLE"));
    await expect(openRig({ store })).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
  });
});

describe("stopping", () => {
  it("starts nothing more, waits for what has left, and leaves the rest for the next start", async () => {
    const rig = await openRig();
    await rig.submit("left");
    await rig.submit("queued");
    await rig.leave(0);
    const drained = rig.outbox.drain(5_000).then(() => "drained");
    // A caller that is turned away only by the connection may still submit: it is stored, and goes out after the next start.
    await rig.outbox.submit(newSubmission("new"));
    await expect(rig.handed[1]?.options.beforeSend()).rejects.toThrow();
    rig.handed[0]?.answer();
    expect(await drained).toBe("drained");
    expect(await rig.stateOf("left")).toBe(ACCEPTED);
    expect(await rig.stateOf("queued")).toBe(QUEUED);
    expect(await rig.stateOf("new")).toBe(QUEUED);
    expect(rig.handed).toHaveLength(2);
    await rig[Symbol.asyncDispose]();
    expect(rig.changes.filter((change) => change.startsWith("queued"))).toEqual(["queued QUEUED 0"]);
    await expect(rig.outbox.submit(newSubmission("late"))).rejects.toMatchObject({ reason: "DRAINING" });
  });

  it("waits no longer than it may, and decides by the policy about what is under way then", async () => {
    const rig = await openRig();
    await rig.submit("once");
    await rig.submit("least", AT_LEAST_ONCE);
    await rig.leave(0);
    await rig.leave(1);
    const drained = rig.outbox.drain(5_000);
    await rig.advance(5_000);
    await drained;
    await rig[Symbol.asyncDispose]();
    expect(await rig.stateOf("once")).toBe(OUTCOME_UNKNOWN);
    expect(await rig.stateOf("least")).toBe(QUEUED);
    expect(rig.timer.size).toBe(0);
  });

  it("stores before it closes that nothing has left by what is perhaps stored as SENDING", async () => {
    const rig = await openRig();
    await rig.submit("a");
    rig.faults.confirmations = true;
    await rig.leave();
    expect(rig.store.records).toMatchObject([{ state: SENDING }]);
    rig.faults.confirmations = false;
    await rig[Symbol.asyncDispose]();
    expect(rig.store.records).toMatchObject([{ state: QUEUED, attempts: 0 }]);
  });
});

async function storeWith(names: readonly string[]) {
  const rig = await openRig({ start: false });
  for (const id of names) await rig.submit(id);
  const store = rig.store.copy();
  await rig[Symbol.asyncDispose]();
  return store;
}
