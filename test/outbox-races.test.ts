import { describe, expect, it } from "vitest";
import { SubmissionState } from "../gen/infobip/messages/v1/submission_pb.js";
import { newSubmission, openRig, settled } from "./outbox-harness.ts";

const { QUEUED, ACCEPTED, CANCELLED } = SubmissionState;

describe("reads of the store that are out of date once they are there", () => {
  it("does not send again what was sent while the read was under way", async () => {
    await using rig = await openRig();
    await rig.submit("later", { sendAfterMs: rig.timer.wallClock() + 1_000 });
    await rig.submit("a");
    rig.faults.held = "due";
    await rig.advance(1_000);
    (await rig.leave()).answer();
    await settled();
    expect(await rig.stateOf("a")).toBe(ACCEPTED);
    rig.faults.held = undefined;
    await settled();
    expect(rig.handed.map(({ messageIds }) => messageIds[0])).toEqual(["a-1", "later-1"]);
  });

  it("does not send what is being cancelled", async () => {
    await using rig = await openRig();
    await rig.submit("a", { sendAfterMs: rig.timer.wallClock() + 1_000 });
    rig.faults.held = "get";
    const cancelled = rig.outbox.cancel("a");
    await rig.advance(1_000);
    rig.faults.held = undefined;
    expect(await cancelled).toMatchObject({ state: CANCELLED });
    await rig.advance(1_000);
    expect(rig.handed).toHaveLength(0);
  });

  it("sends what somebody has only looked at", async () => {
    await using rig = await openRig();
    const sendAfterMs = rig.timer.wallClock() + 1_000;
    await rig.submit("a", { sendAfterMs });
    rig.faults.held = "get";
    const repeated = rig.outbox.submit(newSubmission("a"));
    await rig.advance(1_000);
    expect(rig.handed).toHaveLength(0);
    rig.faults.held = undefined;
    expect(await repeated).toMatchObject({ state: QUEUED });
    await settled();
    expect(rig.handed).toHaveLength(1);
  });

  it("does not expire what was cancelled while the read was under way", async () => {
    await using rig = await openRig();
    await rig.submit("a", { expireAfterMs: rig.timer.wallClock() + 1_000 });
    rig.faults.held = "expired";
    await rig.advance(1_000);
    await rig.outbox.cancel("a");
    rig.faults.held = undefined;
    await rig.advance(5_000);
    expect(rig.changes).toEqual(["a QUEUED 0", "a CANCELLED 0"]);
  });

  it("does not expire what is being cancelled", async () => {
    await using rig = await openRig();
    const now = rig.timer.wallClock();
    await rig.submit("a", { sendAfterMs: now + 5_000, expireAfterMs: now + 1_000 });
    rig.faults.held = "get";
    const cancelled = rig.outbox.cancel("a");
    await rig.advance(1_000);
    rig.faults.held = undefined;
    await cancelled;
    await rig.advance(5_000);
    expect(rig.changes).toEqual(["a QUEUED 0", "a CANCELLED 0"]);
  });
});

describe("a stop while SENDING is being stored", () => {
  it("leaves nothing as SENDING that has not left", async () => {
    const rig = await openRig();
    await rig.submit("a");
    const stored = Promise.withResolvers<void>();
    rig.store.beforeCommit = () => stored.promise;
    const leaving = rig.handed[0]?.leave();
    await settled();
    const disposed = rig.outbox[Symbol.asyncDispose]();
    await settled();
    stored.resolve();
    await disposed;
    expect(await leaving).toBe(false);
    expect(rig.store.records).toMatchObject([{ state: QUEUED, attempts: 1 }]);
    expect(rig.changes).toEqual(["a QUEUED 0", "a SENDING 1", "a QUEUED 1"]);
  });
});
