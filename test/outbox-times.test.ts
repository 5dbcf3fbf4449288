import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { SubmissionState, UnknownOutcomePolicy } from "../gen/infobip/messages/v1/submission_pb.js";
import { ServiceError } from "../src/errors.ts";
import { newSubmission, notSent, openRig, settled, unknown } from "./outbox-harness.ts";

const { QUEUED, CANCELLED, EXPIRED, OUTCOME_UNKNOWN, ACCEPTED } = SubmissionState;
const AT_LEAST_ONCE = { policy: UnknownOutcomePolicy.AT_LEAST_ONCE };
const REASON = (reason: string) => expect.objectContaining({ reason });

describe("times of a submission", () => {
  it("waits for send_after, and leaves then without being asked", async () => {
    await using rig = await openRig();
    await rig.submit("a", { sendAfterMs: rig.timer.wallClock() + 7 * 60_000 });
    await rig.advance(7 * 60_000 - 1);
    expect(rig.handed).toHaveLength(0);
    await rig.advance(1);
    expect(rig.handed).toHaveLength(1);
  });

  it("sends in the order of submission what is due at one time", async () => {
    await using rig = await openRig();
    const sendAfterMs = rig.timer.wallClock() + 1_000;
    for (const id of ["a", "b", "c", "d"]) await rig.submit(id, { sendAfterMs });
    await rig.submit("now");
    await rig.advance(1_000);
    expect(rig.handed.map(({ messageIds }) => messageIds[0])).toEqual(["now-1", "a-1", "b-1", "c-1", "d-1"]);
  });

  it("expires what waits for its time, for a free place, or in the queue", async () => {
    await using rig = await openRig({ limits: { concurrency: 1 } });
    const now = rig.timer.wallClock();
    await rig.submit("queue", { expireAfterMs: now + 1_000 });
    await rig.submit("place", { expireAfterMs: now + 1_000 });
    await rig.submit("time", { sendAfterMs: now + 5_000, expireAfterMs: now + 6_000 });
    await rig.submit("later", { expireAfterMs: now + 60_000 });
    await rig.advance(1_000);
    expect(await rig.stateOf("queue")).toBe(EXPIRED);
    expect(await rig.stateOf("place")).toBe(EXPIRED);
    expect(rig.handed[0]?.options.signal.aborted).toBe(true);
    expect(rig.handed.map(({ messageIds }) => messageIds[0])).toEqual(["queue-1", "later-1"]);
    await rig.advance(5_000);
    expect(await rig.stateOf("time")).toBe(EXPIRED);
    expect(await rig.stateOf("later")).toBe(QUEUED);
    expect(rig.changes.filter((change) => change.includes("EXPIRED"))).toEqual([
      "queue EXPIRED 0",
      "place EXPIRED 0",
      "time EXPIRED 0",
    ]);
  });

  it("does not begin to send what has expired", async () => {
    await using rig = await openRig();
    await rig.submit("a", { expireAfterMs: rig.timer.wallClock() + 1_000 });
    const [handed] = rig.handed;
    expect(handed?.options.timeoutMs).toBe(1_000);
    await rig.advance(1_000);
    await expect(handed?.options.beforeSend()).rejects.toThrow();
    expect(rig.changes).toEqual(["a QUEUED 0", "a EXPIRED 0"]);
  });

  it("waits for the answer of what has left, also when it expires meanwhile", async () => {
    await using rig = await openRig();
    await rig.submit("a", { expireAfterMs: rig.timer.wallClock() + 1_000 });
    const handed = await rig.leave();
    await rig.advance(5_000);
    expect(handed.isOver).toBe(false);
    handed.answer();
    await settled();
    expect(await rig.stateOf("a")).toBe(ACCEPTED);
  });

  it("expires after an attempt that sent nothing, and is unknown after one that may have", async () => {
    await using rig = await openRig({ random: () => 0.99 });
    const expireAfterMs = rig.timer.wallClock() + 500;
    await rig.submit("unsent", { expireAfterMs });
    await rig.submit("perhaps", { expireAfterMs, ...AT_LEAST_ONCE });
    (await rig.leave(0)).fail(notSent("UPSTREAM_RATE_LIMITED", Code.ResourceExhausted));
    (await rig.leave(1)).fail(unknown());
    await rig.advance(500);
    expect(await rig.stateOf("unsent")).toBe(EXPIRED);
    expect(await rig.stateOf("perhaps")).toBe(OUTCOME_UNKNOWN);
    expect(rig.handed).toHaveLength(2);
  });

  it("lives for the longest age where its submitter said nothing", async () => {
    await using rig = await openRig({ limits: { maxAgeMs: 10_000 } });
    const now = rig.timer.wallClock();
    const submitted = await rig.submit("a", { sendAfterMs: now + 5_000 });
    expect(Number(submitted.expireAfter?.seconds)).toBe((now + 15_000) / 1000);
  });

  it("forgets what is done once its retention has passed", async () => {
    await using rig = await openRig({ limits: { retentionMs: 120_000 } });
    await rig.submit("a");
    (await rig.leave()).answer();
    await rig.advance(119_000);
    expect(await rig.stateOf("a")).toBe(ACCEPTED);
    for (let minute = 0; minute < 3; minute++) await rig.advance(60_000);
    await expect(rig.outbox.get("a")).rejects.toEqual(REASON("SUBMISSION_UNKNOWN"));
    expect(rig.outbox.state()).toMatchObject({ bytes: 0 });
  });
});

describe("cancelling a submission", () => {
  it.each(["for its time", "in the queue", "for a free place"])(
    "cancels one that waits %s",
    async (where) => {
      await using rig = await openRig({ limits: { concurrency: 1 } });
      if (where === "for a free place") await rig.submit("first");
      const sendAfterMs = where === "for its time" ? rig.timer.wallClock() + 1_000 : 0;
      await rig.submit("a", { sendAfterMs });
      const cancelled = await rig.outbox.cancel("a");
      expect(cancelled).toMatchObject({ state: CANCELLED, messageIds: ["a-1"], attempts: 0 });
      expect(await rig.outbox.cancel("a")).toMatchObject({ state: CANCELLED });
      const handed = rig.handed.find(({ messageIds }) => messageIds[0] === "a-1");
      if (where === "in the queue") {
        expect(handed?.options.signal.aborted).toBe(true);
        await expect(handed?.options.beforeSend()).rejects.toThrow();
      } else expect(handed).toBeUndefined();
      rig.handed[0]?.answer();
      await rig.advance(10_000);
      expect(rig.handed.filter(({ messageIds }) => messageIds[0] === "a-1")).toHaveLength(handed ? 1 : 0);
      expect(rig.changes.filter((change) => change.startsWith("a "))).toEqual([
        "a QUEUED 0",
        "a CANCELLED 0",
      ]);
      expect(await rig.submit("a", { sendAfterMs })).toMatchObject({ state: CANCELLED });
    },
  );

  it("refuses one that leaves, has left or is done", async () => {
    await using rig = await openRig();
    await rig.submit("a");
    const leaving = rig.handed[0]?.leave();
    await expect(rig.outbox.cancel("a")).rejects.toEqual(REASON("SUBMISSION_NOT_CANCELLABLE"));
    await settled();
    await leaving;
    await expect(rig.outbox.cancel("a")).rejects.toEqual(REASON("SUBMISSION_NOT_CANCELLABLE"));
    rig.handed[0]?.answer();
    await settled();
    await expect(rig.outbox.cancel("a")).rejects.toMatchObject({
      reason: "SUBMISSION_NOT_CANCELLABLE",
      code: Code.FailedPrecondition,
      metadata: { state: "ACCEPTED" },
    });
    await expect(rig.outbox.cancel("b")).rejects.toEqual(REASON("SUBMISSION_UNKNOWN"));
  });

  it("does not call one cancelled that may have been sent", async () => {
    await using rig = await openRig();
    await rig.submit("a", AT_LEAST_ONCE);
    (await rig.leave()).fail(unknown());
    await settled();
    expect(await rig.outbox.cancel("a")).toMatchObject({ state: OUTCOME_UNKNOWN });
    await rig.advance(600_000);
    expect(rig.handed).toHaveLength(1);
  });

  it("lets one call win over another", async () => {
    await using rig = await openRig();
    await rig.submit("a", { sendAfterMs: rig.timer.wallClock() + 1_000 });
    const both = await Promise.all([rig.outbox.cancel("a"), rig.outbox.cancel("a")]);
    expect(both.map(({ state }) => state)).toEqual([CANCELLED, CANCELLED]);
    expect(rig.changes).toEqual(["a QUEUED 0", "a CANCELLED 0"]);
  });
});

describe("repeating a submission", () => {
  it("returns the submission as it is, whoever submits it when", async () => {
    await using rig = await openRig();
    const twice = await Promise.all([rig.submit("a"), rig.submit("a")]);
    expect(twice[0]).toEqual(twice[1]);
    expect(rig.handed).toHaveLength(1);
    (await rig.leave()).answer();
    await settled();
    expect(await rig.submit("a")).toMatchObject({ state: ACCEPTED, bulkId: "bulk", messageIds: ["a-1"] });
    expect(rig.store.records).toHaveLength(1);
  });

  it("refuses other contents under the same id, also at the same time", async () => {
    await using rig = await openRig();
    const other = newSubmission("a", { payloadHash: Buffer.alloc(32, 2) });
    const both = await Promise.allSettled([rig.outbox.submit(newSubmission("a")), rig.outbox.submit(other)]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    await expect(rig.outbox.submit(other)).rejects.toMatchObject({
      code: Code.AlreadyExists,
      reason: "REQUEST_ID_REUSED",
    });
    expect(rig.handed).toHaveLength(1);
  });

  it("fails with ServiceError only", async () => {
    await using rig = await openRig();
    await expect(rig.outbox.get("nothing")).rejects.toBeInstanceOf(ServiceError);
  });
});
