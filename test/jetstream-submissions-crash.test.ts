import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { SubmissionState } from "../gen/infobip/messages/v1/submission_pb.js";
import type { SubmissionCommit } from "../src/eventlog/submission-store.ts";
import { messageIds, sampleEvent } from "./event-log-samples.ts";
import { type OutboxRig, startOutboxRig } from "./fixtures/outbox-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";
import { commitTo, MANY, numbersOf, plainRecord, sampleRecord } from "./submission-samples.ts";

const { SENDING, ACCEPTED } = SubmissionState;
const LARGE = Buffer.alloc(1_300_000, "0123456789");

/** Three records change, one of them large, each with its event. */
function bigCommit(): SubmissionCommit {
  const records = [
    sampleRecord(1, {
      state: ACCEPTED,
      request: Buffer.from("ids only"),
      outcome: LARGE.subarray(0, 200_000),
    }),
    sampleRecord(2, { state: SENDING, request: LARGE.subarray(0, 900_000) }),
    sampleRecord(3, { request: LARGE }),
  ];
  return { records, removed: [4], events: [11, 12, 13].map((n) => sampleEvent(n)), eventNumbers: [1, 2, 3] };
}

/** What is stored before. */
const BEFORE = [
  sampleRecord(1, { request: LARGE.subarray(7) }),
  sampleRecord(2, { request: LARGE.subarray(0, 900_000) }),
  sampleRecord(4, { request: LARGE.subarray(9) }),
];

describeNats("submissions on JetStream, crashes", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const start = () => startOutboxRig(server.url, uniquePrefix());

  it("keeps each record whole, with its event, wherever a crash cuts a commit off", async () => {
    let isWhole = false;
    for (let messages = 0; !isWhole; messages++) {
      await using rig = await start();
      const { store } = await rig.open();
      await commitTo(store, { records: BEFORE });
      const first = rig.publisher.count;
      rig.publisher.fate = (n) => (n < first + messages ? "unacknowledged" : "lost");
      await expect(store.commit(bigCommit())).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
      expect(await messageIds(rig.log)).toEqual([]);
      isWhole = rig.publisher.count - first === messages;
      await expectPrefix(rig);
      expect(messages).toBeLessThan(20);
    }
  });

  /** Opens the store anew: it holds the first few changes of the commit and their events, and nothing else. */
  async function expectPrefix(rig: OutboxRig): Promise<void> {
    const { store } = await rig.open();
    const after = bigCommit().records;
    const found = await Promise.all([1, 2, 3, 4].map((n) => store.get(`submission-${n}`)));
    const changed = after.findIndex(
      (record, n) => found[n]?.updateTimeMs !== record.updateTimeMs || !isSame(found[n], record),
    );
    const done = changed < 0 ? after.length : changed;
    const expected = [...after.slice(0, done), ...[BEFORE[0], BEFORE[1], undefined].slice(done), BEFORE[2]];
    expect(found.map(plainRecord)).toEqual(expected.map(plainRecord));
    expect(await messageIds(rig.log)).toEqual(["m-11", "m-12", "m-13"].slice(0, done));
    await store.commit(bigCommit());
    expect(await store.get("submission-4")).toBeUndefined();
    expect(await messageIds(rig.log)).toEqual(["m-11", "m-12", "m-13"]);
    // The parts of the present records, and no others: two for each of the two requests, one for each outcome.
    const parts = async () => (await rig.stream.subjects(">", 1_000)).filter((s) => s.includes(".part."));
    expect(await parts()).toHaveLength(2 + 3 + 1);
  }

  it("appends the events of a commit that a crash kept from the log, and not again when it is opened later", async () => {
    await using rig = await start();
    const { store } = await rig.open();
    await commitTo(store, { records: [sampleRecord(1)], events: [sampleEvent(1)] });
    rig.log.beforeAppend = () => Promise.reject(new Error("crashed"));
    const commit = { records: [sampleRecord(2), sampleRecord(3)], events: [sampleEvent(2)] };
    await expect(commitTo(store, commit)).rejects.toThrow();
    await expect(store.get("submission-2")).rejects.toThrow();
    rig.log.beforeAppend = () => {};
    const again = await rig.open();
    expect(await messageIds(rig.log)).toEqual(["m-1", "m-2"]);
    expect((await again.store.get("submission-3"))?.number).toBe(3);
    const appends = vi.fn();
    rig.log.beforeAppend = appends;
    await again[Symbol.asyncDispose]();
    await rig.open();
    expect(appends).not.toHaveBeenCalled();
  });

  it("repeats a commit whose events the log did not take, without a second event or record", async () => {
    await using rig = await start();
    const { store } = await rig.open();
    const commit = { records: [sampleRecord(1)], events: [sampleEvent(1)] };
    let fails = 2;
    rig.log.beforeAppend = () => (fails-- > 0 ? Promise.reject(new Error("full")) : undefined);
    await expect(commitTo(store, commit)).rejects.toThrow("full");
    await expect(commitTo(store, commit)).rejects.toThrow("full");
    await commitTo(store, commit);
    expect(await messageIds(rig.log)).toEqual(["m-1"]);
    const page = await store.list({ before: MANY, states: [], limit: MANY, maxExamined: MANY });
    expect(numbersOf(page.records)).toEqual([1]);
  });
});

function isSame(one: unknown, two: unknown): boolean {
  return JSON.stringify(plainRecord(one as never)) === JSON.stringify(plainRecord(two as never));
}
