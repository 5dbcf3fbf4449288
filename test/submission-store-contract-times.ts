import { expect, it } from "vitest";
import { SubmissionState } from "../gen/infobip/messages/v1/submission_pb.js";
import type { SubmissionRecord } from "../src/eventlog/submission-store.ts";
import { commitTo, MANY, numbersOf, plainRecord, sampleRecord } from "./submission-samples.ts";
import type { SubmissionStoreRig } from "./submission-store-contract.ts";

const { QUEUED, SENDING, ACCEPTED, REJECTED, OUTCOME_UNKNOWN, CANCELLED, EXPIRED } = SubmissionState;
const NOT_QUEUED = [SENDING, ACCEPTED, REJECTED, OUTCOME_UNKNOWN, CANCELLED, EXPIRED];

/** Reads by which the outbox works. */
export function describeSubmissionTimes(start: () => Promise<SubmissionStoreRig>): void {
  const startWith = async (...records: SubmissionRecord[]): Promise<SubmissionStoreRig> => {
    const rig = await start();
    await commitTo(rig.store, { records });
    return rig;
  };
  const notQueued = (from: number, changes: Partial<SubmissionRecord>) =>
    NOT_QUEUED.map((state, n) => sampleRecord(from + n, { ...changes, state }));

  it("gives what is due by time and number, from a position on, queued ones only", async () => {
    await using rig = await startWith(
      sampleRecord(1, { dueTimeMs: 300 }),
      sampleRecord(2, { dueTimeMs: 100 }),
      sampleRecord(3, { dueTimeMs: 200 }),
      sampleRecord(4, { dueTimeMs: 100 }),
      sampleRecord(5, { dueTimeMs: 0 }),
      sampleRecord(6, { dueTimeMs: 200 }),
      ...notQueued(10, { dueTimeMs: 100 }),
    );
    const due = async (...[timeMs, after, limit = MANY]: [number, [number, number]?, number?]) => {
      const position = after && { dueTimeMs: after[0], number: after[1] };
      return numbersOf(await rig.store.due(timeMs, position, limit, MANY));
    };
    expect(await due(300)).toEqual([5, 2, 4, 3, 6, 1]);
    expect(await due(299.5)).toEqual([5, 2, 4, 3, 6]);
    expect(await due(-1)).toEqual([]);
    expect(await due(300, undefined, 3)).toEqual([5, 2, 4]);
    expect(await due(300, [100, 4], 2)).toEqual([3, 6]);
    expect(await due(300, [100, 3], 2)).toEqual([4, 3]);
    expect(await due(300, [100, 2])).toEqual([4, 3, 6, 1]);
    expect(await due(300, [150, 1])).toEqual([3, 6, 1]);
    expect(await due(100, [100, 4])).toEqual([]);
    expect(await due(100, [200, 0])).toEqual([]);
    await commitTo(rig.store, {
      records: [sampleRecord(4, { state: SENDING }), sampleRecord(2, { dueTimeMs: 250 })],
    });
    expect(await due(300)).toEqual([5, 3, 6, 2, 1]);
  });

  it("ends what is due, expired or being sent with the record that passes the bytes", async () => {
    await using rig = await startWith(
      ...[1, 2, 3, 4].map((n) => sampleRecord(n, { request: Buffer.alloc(60), outcome: Buffer.alloc(40) })),
    );
    const timeMs = sampleRecord(1).dueTimeMs;
    const due = async (maxBytes: number, number = 0) =>
      numbersOf(await rig.store.due(timeMs, { dueTimeMs: timeMs, number }, MANY, maxBytes));
    expect(await due(1)).toEqual([1]);
    expect(await due(100)).toEqual([1]);
    expect(await due(101)).toEqual([1, 2]);
    expect(await due(250, 1)).toEqual([2, 3, 4]);
    expect(numbersOf(await rig.store.due(timeMs, { dueTimeMs: timeMs - 1, number: 9 }, MANY, 150))).toEqual([
      1, 2,
    ]);
    const { request, outcome } = sampleRecord(0, { request: Buffer.alloc(60), outcome: Buffer.alloc(40) });
    const expiring = [1, 2, 3].map((n) => sampleRecord(n, { request, outcome, expireAfterMs: n }));
    await commitTo(rig.store, { records: expiring });
    expect(numbersOf(await rig.store.expired(3, MANY, 101))).toEqual([1, 2]);
    await commitTo(rig.store, { records: expiring.map((record) => ({ ...record, state: SENDING })) });
    expect(numbersOf(await rig.store.sending(0, MANY, 101))).toEqual([1, 2]);
    expect(numbersOf(await rig.store.sending(1, MANY, 1))).toEqual([2]);
  });

  it("tells when the next one is due", async () => {
    await using rig = await startWith(
      sampleRecord(1, { dueTimeMs: 300 }),
      sampleRecord(2, { dueTimeMs: 100 }),
      ...notQueued(10, { dueTimeMs: 200 }),
    );
    const nextDue = (timeMs: number) => rig.store.nextDue(timeMs);
    expect([await nextDue(0), await nextDue(99.5), await nextDue(100)]).toEqual([100, 100, 300]);
    expect(await nextDue(300)).toBeUndefined();
  });

  it("gives what has expired, the first one first, and tells when the next one does", async () => {
    await using rig = await startWith(
      sampleRecord(1, { expireAfterMs: 300 }),
      sampleRecord(2, { expireAfterMs: 0 }),
      sampleRecord(3, { expireAfterMs: 100 }),
      sampleRecord(4, { expireAfterMs: 300 }),
      sampleRecord(5, { expireAfterMs: 301 }),
      ...notQueued(10, { expireAfterMs: 50 }),
    );
    expect(numbersOf(await rig.store.expired(300, MANY, MANY))).toEqual([3, 1, 4]);
    expect(numbersOf(await rig.store.expired(300, 2, MANY))).toEqual([3, 1]);
    expect(await rig.store.expired(99, MANY, MANY)).toEqual([]);
    expect(await rig.store.nextExpiry()).toBe(100);
    await commitTo(rig.store, { records: [3, 1, 4].map((n) => sampleRecord(n, { state: EXPIRED })) });
    expect(await rig.store.nextExpiry()).toBe(301);
    await commitTo(rig.store, { removed: [5] });
    expect(await rig.store.nextExpiry()).toBeUndefined();
  });

  it("gives those that are being sent, by number", async () => {
    await using rig = await startWith(
      ...[QUEUED, SENDING, ACCEPTED, SENDING, REJECTED, SENDING].map((state, n) =>
        sampleRecord(n + 1, { state }),
      ),
    );
    expect(numbersOf(await rig.store.sending(0, MANY, MANY))).toEqual([2, 4, 6]);
    expect(numbersOf(await rig.store.sending(2, 1, MANY))).toEqual([4]);
    expect(numbersOf(await rig.store.sending(6, MANY, MANY))).toEqual([]);
    expect((await rig.store.sending(0, 1, MANY)).map(plainRecord)).toEqual([
      plainRecord(sampleRecord(2, { state: SENDING })),
    ]);
  });

  it("gives those that were done before a time, the first one first", async () => {
    await using rig = await startWith(
      sampleRecord(1, { state: QUEUED, updateTimeMs: 10 }),
      sampleRecord(2, { state: SENDING, updateTimeMs: 10 }),
      sampleRecord(3, { state: ACCEPTED, updateTimeMs: 40 }),
      sampleRecord(4, { state: REJECTED, updateTimeMs: 20 }),
      sampleRecord(5, { state: OUTCOME_UNKNOWN, updateTimeMs: 30 }),
      sampleRecord(6, { state: CANCELLED, updateTimeMs: 20 }),
      sampleRecord(7, { state: EXPIRED, updateTimeMs: 50 }),
    );
    expect(await rig.store.doneBefore(50, MANY)).toEqual([4, 6, 5, 3]);
    expect(await rig.store.doneBefore(50.5, MANY)).toEqual([4, 6, 5, 3, 7]);
    expect(await rig.store.doneBefore(50, 3)).toEqual([4, 6, 5]);
    expect(await rig.store.doneBefore(20, MANY)).toEqual([]);
  });
}
