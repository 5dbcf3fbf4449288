import { describe, expect, it } from "vitest";
import { SubmissionState, UnknownOutcomePolicy } from "../gen/infobip/messages/v1/submission_pb.js";
import type { EventLog } from "../src/eventlog/event-log.ts";
import type { SubmissionStore } from "../src/eventlog/submission-store.ts";
import { messageIds, sampleEvent } from "./event-log-samples.ts";
import { commitTo, MANY, numbersOf, plainRecord, sampleRecord } from "./submission-samples.ts";
import { describeSubmissionLists } from "./submission-store-contract-lists.ts";
import { describeSubmissionTimes } from "./submission-store-contract-times.ts";

/** A store and the log that its events go to. */
export interface SubmissionStoreRig extends AsyncDisposable {
  readonly store: SubmissionStore;
  readonly log: EventLog;
  /** Closes the store and opens it again, where it keeps anything. */
  reopen(): Promise<void>;
}

const { QUEUED, SENDING, ACCEPTED, CANCELLED } = SubmissionState;

/** What every SubmissionStore must do. */
export function describeSubmissionStoreContract(
  kind: string,
  start: () => Promise<SubmissionStoreRig>,
): void {
  describe(`submission store contract: ${kind}`, () => {
    describeRecords(start);
    describeSubmissionTimes(start);
    describeSubmissionLists(start);
  });
}

function describeRecords(start: () => Promise<SubmissionStoreRig>): void {
  it("keeps a record whole, whatever its size, and finds it by its id only", async () => {
    await using rig = await start();
    const whole = Buffer.alloc(300_000, "0123456789");
    const record = sampleRecord(7, {
      id: `${"x".repeat(127)}~`,
      state: SENDING,
      policy: UnknownOutcomePolicy.AT_LEAST_ONCE,
      sendAfterMs: 1_700_000_100_000,
      expireAfterMs: 1_800_000_000_000,
      dueTimeMs: 1_700_000_100_001,
      attempts: 3,
      destinations: 1_000,
      request: whole.subarray(3, 250_000),
      outcome: whole.subarray(5, 200_001),
    });
    await commitTo(rig.store, { records: [record, sampleRecord(8, { request: new Uint8Array() })] });
    expect(plainRecord(await rig.store.get(record.id))).toEqual(plainRecord(record));
    expect((await rig.store.get("submission-8"))?.request).toHaveLength(0);
    expect(await rig.store.get("submission-7")).toBeUndefined();
    expect(await rig.store.get("")).toBeUndefined();
  });

  it("stores a record over the one with its number", async () => {
    await using rig = await start();
    await commitTo(rig.store, { records: [sampleRecord(1), sampleRecord(2)] });
    const changed = sampleRecord(1, {
      state: ACCEPTED,
      policy: UnknownOutcomePolicy.AT_LEAST_ONCE,
      createTimeMs: 1,
      updateTimeMs: 2,
      sendAfterMs: 3,
      expireAfterMs: 4,
      dueTimeMs: 5,
      attempts: 6,
      destinations: 7,
      payloadHash: Buffer.alloc(32, 8),
      request: new Uint8Array(),
      outcome: Buffer.from("outcome"),
    });
    await commitTo(rig.store, { records: [changed] });
    expect(plainRecord(await rig.store.get("submission-1"))).toEqual(plainRecord(changed));
    expect(plainRecord(await rig.store.get("submission-2"))).toEqual(plainRecord(sampleRecord(2)));
  });

  it("removes records, gives their ids free, and never forgets the last number", async () => {
    await using rig = await start();
    await commitTo(rig.store, { records: [1, 2, 3].map((n) => sampleRecord(n)) });
    await commitTo(rig.store, { removed: [3, 1, 99], records: [sampleRecord(4, { id: "submission-1" })] });
    expect((await rig.store.get("submission-1"))?.number).toBe(4);
    expect(await rig.store.get("submission-3")).toBeUndefined();
    await commitTo(rig.store, { removed: [2, 4] });
    expect(await rig.store.counts()).toEqual({ byState: new Map(), bytes: 0, lastNumber: 4 });
    await rig.reopen();
    expect((await rig.store.counts()).lastNumber).toBe(4);
  });

  it("counts records by state, and their bytes", async () => {
    await using rig = await start();
    expect(await rig.store.counts()).toEqual({ byState: new Map(), bytes: 0, lastNumber: 0 });
    const bytes = (length: number) => Buffer.alloc(length);
    await commitTo(rig.store, {
      records: [
        sampleRecord(1, { request: bytes(100), outcome: bytes(70_000) }),
        sampleRecord(2, { request: bytes(1_000) }),
        sampleRecord(5, { state: SENDING, request: bytes(10) }),
      ],
    });
    const first = { byState: new Map([[QUEUED, 2] as const, [SENDING, 1] as const]), bytes: 71_110 };
    expect(await rig.store.counts()).toEqual({ ...first, lastNumber: 5 });
    await commitTo(rig.store, {
      records: [
        sampleRecord(2, { state: SENDING, request: bytes(1) }),
        sampleRecord(5, { state: CANCELLED }),
      ],
      removed: [1],
    });
    const second = { byState: new Map([[SENDING, 1] as const, [CANCELLED, 1] as const]), bytes: 10 };
    expect(await rig.store.counts()).toEqual({ ...second, lastNumber: 5 });
    await rig.reopen();
    expect(await rig.store.counts()).toEqual({ ...second, lastNumber: 5 });
  });

  it("stores the events of a commit in the log, each once, and wakes who waits for them", async () => {
    await using rig = await start();
    await rig.log.append([sampleEvent(1)]);
    const woken = rig.log.waitPast(1, AbortSignal.timeout(5_000));
    await commitTo(rig.store, { records: [sampleRecord(1)], events: [sampleEvent(2), sampleEvent(3)] });
    await woken;
    expect(rig.log.bounds().head).toBe(3);
    await Promise.all([
      commitTo(rig.store, { removed: [1], events: [sampleEvent(3), sampleEvent(4)] }),
      rig.log.append([sampleEvent(5)]),
      commitTo(rig.store, { events: [sampleEvent(6)] }),
    ]);
    expect((await messageIds(rig.log)).toSorted()).toEqual(["m-1", "m-2", "m-3", "m-4", "m-5", "m-6"]);
    expect(await rig.store.get("submission-1")).toBeUndefined();
  });

  it("takes commits in the order in which they were given, and an empty one", async () => {
    await using rig = await start();
    await commitTo(rig.store, {});
    const commits = Array.from({ length: 50 }, (_, n) =>
      commitTo(rig.store, { records: [sampleRecord(1, { attempts: n }), sampleRecord(n + 2)] }),
    );
    await Promise.all(commits);
    expect((await rig.store.get("submission-1"))?.attempts).toBe(49);
    expect((await rig.store.counts()).byState.get(QUEUED)).toBe(51);
  });

  it("keeps everything over a restart", async () => {
    await using rig = await start();
    const records = [
      sampleRecord(1),
      sampleRecord(2, { state: SENDING }),
      sampleRecord(3, { state: ACCEPTED }),
    ];
    await commitTo(rig.store, { records, events: [sampleEvent(1)] });
    await rig.reopen();
    for (const record of records)
      expect(plainRecord(await rig.store.get(record.id))).toEqual(plainRecord(record));
    expect(numbersOf(await rig.store.sending(0, 10, MANY))).toEqual([2]);
    expect(await messageIds(rig.log)).toEqual(["m-1"]);
  });
}
