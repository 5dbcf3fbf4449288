import { fromBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { EventSchema, EventType } from "../gen/infobip/events/v1/event_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { SubmissionState, UnknownOutcomePolicy } from "../gen/infobip/messages/v1/submission_pb.js";
import { newSubmission, notSent, openRig, settled, unknown } from "./outbox-harness.ts";

const { SENT, NOT_SENT, UNKNOWN } = SendOutcome;
const AT_LEAST_ONCE = { policy: UnknownOutcomePolicy.AT_LEAST_ONCE };

describe("the states of a submission", () => {
  it("is durable before it is confirmed, SENDING before it leaves, and ACCEPTED after the answer", async () => {
    await using rig = await openRig();
    const submitted = await rig.submit("a");
    expect(submitted).toMatchObject({
      name: "submissions/a",
      requestId: "a",
      state: SubmissionState.QUEUED,
      unknownOutcomePolicy: UnknownOutcomePolicy.AT_MOST_ONCE,
      attempts: 0,
      destinations: 1,
      messageIds: ["a-1"],
      results: [],
    });
    expect(rig.store.records).toMatchObject([{ id: "a", state: SubmissionState.QUEUED }]);
    const handed = await rig.leave();
    expect(handed.left).toBe(1);
    expect(rig.store.records).toMatchObject([{ state: SubmissionState.SENDING, attempts: 1 }]);
    handed.answer();
    await settled();
    const done = await rig.outbox.get("a");
    expect(done).toMatchObject({ state: SubmissionState.ACCEPTED, bulkId: "bulk", messageIds: ["a-1"] });
    expect(done.results).toMatchObject([{ messageId: "a-1", outcome: SENT }]);
    expect(done.lastError).toBeUndefined();
    expect(rig.changes).toEqual(["a QUEUED 0", "a SENDING 1", "a ACCEPTED 1"]);
  });

  it("keeps no message text of one that is done", async () => {
    await using rig = await openRig();
    await rig.submit("a");
    expect(Buffer.from(rig.store.records[0]?.request ?? []).includes("hello")).toBe(true);
    (await rig.leave()).answer();
    await settled();
    expect(Buffer.from(rig.store.records[0]?.request ?? []).includes("hello")).toBe(false);
  });

  it.each([
    { name: "some sent", outcomes: [SENT, NOT_SENT], state: SubmissionState.ACCEPTED },
    {
      name: "some sent, of some nothing is known",
      outcomes: [UNKNOWN, SENT],
      state: SubmissionState.ACCEPTED,
    },
    { name: "all refused", outcomes: [NOT_SENT, NOT_SENT], state: SubmissionState.REJECTED },
    {
      name: "of some nothing is known",
      outcomes: [NOT_SENT, UNKNOWN],
      state: SubmissionState.OUTCOME_UNKNOWN,
    },
  ])("takes an answer by its results: $name", async ({ outcomes, state }) => {
    await using rig = await openRig();
    await rig.submit("a", newSubmission("a", { messageIds: ["x", "y"] }));
    (await rig.leave()).answer(...outcomes);
    await settled();
    const done = await rig.outbox.get("a");
    expect(done.state).toBe(state);
    expect(done.results.map(({ outcome }) => outcome)).toEqual(outcomes);
  });

  it.each(["UPSTREAM_REJECTED", "REQUEST_TOO_LARGE", "REQUEST_INVALID"] as const)(
    "rejects on %s and says why",
    async (reason) => {
      await using rig = await openRig();
      await rig.submit("a");
      (await rig.leave()).fail(notSent(reason, Code.InvalidArgument));
      await settled();
      const done = await rig.outbox.get("a");
      expect(done).toMatchObject({
        state: SubmissionState.REJECTED,
        lastError: { code: Code.InvalidArgument },
      });
      expect(rig.changes.at(-1)).toBe("a REJECTED 1");
    },
  );

  it("tries again what was not sent, under the same ids, no sooner than the upstream says", async () => {
    await using rig = await openRig();
    await rig.submit("a");
    (await rig.leave()).fail(
      notSent("UPSTREAM_RATE_LIMITED", Code.ResourceExhausted, { retryDelayMs: 5_000 }),
    );
    await settled();
    const queued = await rig.outbox.get("a");
    expect(queued).toMatchObject({ state: SubmissionState.QUEUED, attempts: 1, lastError: { code: 8 } });
    expect(queued.nextAttemptTime).toBeDefined();
    await rig.advance(5_000);
    expect(rig.handed).toHaveLength(1);
    await rig.advance(1_000);
    expect(rig.handed).toHaveLength(2);
    const again = await rig.leave();
    expect(again.messageIds).toEqual(["a-1"]);
    again.answer();
    await settled();
    expect(rig.changes).toEqual(["a QUEUED 0", "a SENDING 1", "a QUEUED 1", "a SENDING 2", "a ACCEPTED 2"]);
    expect((await rig.outbox.get("a")).lastError).toBeUndefined();
  });

  it("counts each request that the queue makes of it", async () => {
    await using rig = await openRig();
    await rig.submit("a");
    await rig.leave();
    await rig.leave();
    rig.handed[0]?.answer();
    await settled();
    expect(rig.changes).toEqual(["a QUEUED 0", "a SENDING 1", "a SENDING 2", "a ACCEPTED 2"]);
  });

  it("parks an unknown outcome AT_MOST_ONCE for good", async () => {
    await using rig = await openRig();
    await rig.submit("a");
    (await rig.leave()).fail(unknown());
    await settled();
    const done = await rig.outbox.get("a");
    expect(done).toMatchObject({
      state: SubmissionState.OUTCOME_UNKNOWN,
      attempts: 1,
      lastError: { code: 2 },
    });
    await rig.advance(3_600_000);
    expect(rig.handed).toHaveLength(1);
  });

  it("repeats an unknown outcome AT_LEAST_ONCE with the same ids until there is an answer", async () => {
    await using rig = await openRig();
    await rig.submit("a", AT_LEAST_ONCE);
    (await rig.leave()).fail(unknown());
    await settled();
    expect(await rig.stateOf("a")).toBe(SubmissionState.QUEUED);
    await rig.advance(1_000);
    const again = await rig.leave();
    expect(again.messageIds).toEqual(["a-1"]);
    again.answer();
    await settled();
    expect(await rig.stateOf("a")).toBe(SubmissionState.ACCEPTED);
  });

  it("does not call one rejected that an earlier attempt may have sent", async () => {
    await using rig = await openRig();
    await rig.submit("a", AT_LEAST_ONCE);
    (await rig.leave()).fail(unknown());
    await rig.advance(1_000);
    (await rig.leave()).fail(notSent("UPSTREAM_REJECTED", Code.InvalidArgument));
    await settled();
    expect(await rig.stateOf("a")).toBe(SubmissionState.OUTCOME_UNKNOWN);
  });

  it("takes an error that does not say what was sent for an unknown outcome once it was SENDING", async () => {
    const faults: unknown[] = [];
    await using rig = await openRig({ hooks: { onInternalError: (error) => faults.push(error) } });
    await rig.submit("a");
    (await rig.leave()).fail(new TypeError("boom"));
    await settled();
    expect(await rig.stateOf("a")).toBe(SubmissionState.OUTCOME_UNKNOWN);
    expect(faults).toHaveLength(1);
  });

  it("gives events the columns of the message when there is a single one", async () => {
    await using rig = await openRig();
    await rig.submit("a");
    await rig.submit("b", newSubmission("b", { messageIds: ["x", "y"] }));
    const [one, two] = rig.store.events;
    expect(one?.columns).toMatchObject({
      type: EventType.SUBMISSION,
      channel: Channel.SMS,
      messageId: "a-1",
      sender: "InfoSMS",
      destination: "38599",
      rank: 0,
      final: false,
    });
    expect(two?.columns).toMatchObject({ messageId: "", destination: "", channel: Channel.UNSPECIFIED });
    const event = fromBinary(EventSchema, one?.encoded ?? new Uint8Array());
    expect(event).toMatchObject({ type: EventType.SUBMISSION, messageId: "a-1", channel: Channel.SMS });
    expect(event.payload).toMatchObject({
      case: "submission",
      value: { submission: "submissions/a", state: 1 },
    });
    const ids = rig.store.events.map(({ encoded }) => fromBinary(EventSchema, encoded).id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("tells in the event which error led to a state", async () => {
    await using rig = await openRig();
    await rig.submit("a");
    (await rig.leave()).fail(notSent("UPSTREAM_REJECTED", Code.InvalidArgument));
    await settled();
    const event = fromBinary(EventSchema, rig.store.events.at(-1)?.encoded ?? new Uint8Array());
    expect(event.payload).toMatchObject({ value: { errorReason: "UPSTREAM_REJECTED" } });
  });
});
