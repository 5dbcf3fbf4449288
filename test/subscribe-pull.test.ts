import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { beforeEach, describe, expect, it } from "vitest";
import {
  AcknowledgeEventsRequestSchema,
  PullEventsRequestSchema,
} from "../gen/infobip/events/v1/subscription_requests_pb.js";
import { ServiceError } from "../src/errors.ts";
import { encodeCursor } from "../src/eventlog/cursor.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { recordOf, type ScriptedSession } from "./fixtures/scripted-subscriptions.ts";
import { NAME, SubscribeHarness } from "./subscribe-harness.ts";

let harness: SubscribeHarness;
let call: AbortController;
beforeEach(async () => {
  harness = await SubscribeHarness.start();
  call = new AbortController();
});

const pull = (init: MessageInitShape<typeof PullEventsRequestSchema> = {}) =>
  harness.methods.pullEvents(
    create(PullEventsRequestSchema, { subscription: NAME, ...init }),
    plainCall(call.signal),
  );
const acknowledge = (init: MessageInitShape<typeof AcknowledgeEventsRequestSchema>) =>
  harness.methods.acknowledgeEvents(
    create(AcknowledgeEventsRequestSchema, { subscription: NAME, sessionId: "session-1", ...init }),
    plainCall(),
  );
const session = (): ScriptedSession => {
  const last = harness.engine.sessions.at(-1);
  if (last === undefined) throw new Error("no session");
  return last;
};
const cancelled = () => new ServiceError(Code.Canceled, "CANCELLED", "c");

function give(...sequences: number[]): void {
  harness.engine.onJoin = (joined) => {
    for (const sequence of sequences) joined.give({ record: recordOf(sequence), attempt: 2 });
  };
}

describe("PullEvents", () => {
  it("opens a session and returns what is there", async () => {
    give(1, 2);
    const answer = await pull({ lease: durationFromMs(9_000), clientId: "c" });
    expect(answer.sessionId).toBe("session-1");
    expect(answer.leaseExpireTime?.seconds).toBe(50n);
    expect(answer.events.map(({ event, attempt }) => [event?.id, attempt])).toEqual([
      ["e1", 2],
      ["e2", 2],
    ]);
    expect(answer.status?.consumers).toBe(1);
    expect(session().options).toMatchObject({ clientId: "c", leaseMs: 9_000 });
    expect(session().calls).toEqual(["hold", "let go"]);
  });

  it("goes on with a session", async () => {
    give(1, 2, 3);
    await pull({ maxEvents: 2 });
    const answer = await pull({ sessionId: "session-1", maxEvents: 2 });
    expect(answer.events.map(({ event }) => event?.id)).toEqual(["e3"]);
    expect(harness.engine.sessions).toHaveLength(1);
  });

  it("returns nothing at once when there is nothing and no wait", async () => {
    expect((await pull()).events).toEqual([]);
    expect(harness.timer.size).toBe(0);
  });

  it("waits for a first event, and only so long", async () => {
    const first = pull({ wait: durationFromMs(5_000) });
    await harness.timer.idle();
    session().give({ record: recordOf(7), attempt: 1 });
    expect((await first).events).toHaveLength(1);
    const second = pull({ wait: durationFromMs(5_000), sessionId: "session-1" });
    await harness.timer.idle();
    harness.timer.advance(5_000);
    expect((await second).events).toEqual([]);
    expect(harness.timer.size).toBe(0);
  });

  it("tells what retention has removed, also when there is no event", async () => {
    harness.engine.onJoin = (joined) => joined.lose(2, 6);
    const { gap, events } = await pull({ wait: durationFromMs(5_000) });
    expect(gap?.fromCursor).toBe(encodeCursor(harness.log.id, 2));
    expect(gap?.toCursor).toBe(encodeCursor(harness.log.id, 6));
    expect(events).toEqual([]);
  });

  it("returns at most 2 MiB and gives the rest back", async () => {
    harness.engine.onJoin = (joined) => {
      for (const sequence of [1, 2, 3])
        joined.give({ record: recordOf(sequence, `e${sequence}`, 900_000), attempt: 1 });
    };
    expect((await pull()).events).toHaveLength(2);
    expect(session().calls).toContain("release 3");
  });

  it("keeps takes of one session apart, when several calls use it", async () => {
    give(1);
    await pull();
    let running = 0;
    let most = 0;
    session().beforeTake = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    };
    await Promise.all([1, 2, 3].map(() => pull({ sessionId: "session-1" })));
    expect(most).toBe(1);
  });

  it("leaves nothing behind when it is cancelled while it takes", async () => {
    give(1, 2);
    await pull({ maxEvents: 1 });
    session().beforeTake = () => call.abort(cancelled());
    await expect(pull({ sessionId: "session-1" })).rejects.toMatchObject({ reason: "CANCELLED" });
    expect(session().calls).toContain("release 2");
    expect(session().ended.aborted).toBe(false);
  });

  it("ends the session that it opened when it is cancelled", async () => {
    const answer = pull({ wait: durationFromMs(5_000) });
    await harness.timer.idle();
    call.abort(cancelled());
    await expect(answer).rejects.toMatchObject({ reason: "CANCELLED" });
    expect(session().calls).toContain("end LEFT");
    expect(harness.timer.size).toBe(0);
  });

  it("fails while the service drains, also one that waits", async () => {
    const answer = pull({ wait: durationFromMs(5_000) });
    await harness.timer.idle();
    harness.draining.abort();
    await expect(answer).rejects.toMatchObject({ reason: "DRAINING" });
    expect(session().calls).toContain("end LEFT");
    await expect(pull()).rejects.toMatchObject({ reason: "DRAINING" });
  });

  it("says that a session is gone", async () => {
    const gone = { code: Code.FailedPrecondition, reason: "SESSION_EXPIRED" };
    await expect(pull({ sessionId: "nope" })).rejects.toMatchObject(gone);
    give();
    const waiting = pull({ wait: durationFromMs(5_000) });
    await harness.timer.idle();
    session().expire(new ServiceError(Code.Aborted, "SESSION_EXPIRED", "quiet"));
    await expect(waiting).rejects.toMatchObject(gone);
  });
});

describe("AcknowledgeEvents", () => {
  beforeEach(async () => {
    give(1);
    await pull();
    session().calls.length = 0;
  });

  it("settles everything in one go", async () => {
    const { result } = await acknowledge({
      ack: { eventIds: ["a", "b"], throughCursor: encodeCursor(harness.log.id, 0) },
      nacks: [{ eventIds: ["c"] }, { eventIds: ["d"], delay: durationFromMs(10) }],
    });
    expect(result).toMatchObject({ acked: 2, nacked: 2, failures: [], leaseExpireTime: { seconds: 50n } });
    expect(session().settlements).toEqual([
      { ackIds: ["a", "b"], ackThrough: 0, nacks: [{ ids: ["c"] }, { ids: ["d"], delayMs: 10 }] },
    ]);
  });

  it("lets the lease run for longer once it has settled", async () => {
    session().onSettle = async () => {
      session().calls.push("settled");
      return { acked: 0, nacked: 0, failures: [] };
    };
    await acknowledge({ extend: { lease: durationFromMs(90_000) } });
    expect(session().calls).toEqual(["settled", "renew 90000"]);
  });

  it("closes the session in order", async () => {
    const { result } = await acknowledge({ ack: { eventIds: ["a"] }, closeSession: true });
    expect(result).toMatchObject({ acked: 1 });
    expect(result?.leaseExpireTime).toBeUndefined();
    expect(session().calls).toEqual(["end LEFT"]);
  });

  it("says that the session is gone", async () => {
    await session().end("LEFT");
    await expect(acknowledge({ ack: { eventIds: ["a"] } })).rejects.toMatchObject({
      code: Code.FailedPrecondition,
      reason: "SESSION_EXPIRED",
    });
  });
});
