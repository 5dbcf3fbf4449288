import { afterAll, beforeAll, expect, it } from "vitest";
import { SubmissionState } from "../gen/infobip/messages/v1/submission_pb.js";
import { messageIds, sampleEvent } from "./event-log-samples.ts";
import { startOutboxRig } from "./fixtures/outbox-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";
import { commitTo, MANY, numbersOf, plainRecord, sampleRecord } from "./submission-samples.ts";

const { SENDING } = SubmissionState;
const UNAVAILABLE = { reason: "LOG_UNAVAILABLE" };

describeNats("submissions on JetStream, two holders", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const start = () => startOutboxRig(server.url, uniquePrefix());

  it("stores nothing of a holder from the moment in which another one has opened the store", async () => {
    await using rig = await start();
    const one = await rig.open();
    await commitTo(one.store, { records: [sampleRecord(1), sampleRecord(2)], events: [sampleEvent(1)] });
    const two = await rig.open();
    expect(one.fenced.aborted).toBe(false);
    const attempts = [
      { records: [sampleRecord(1, { state: SENDING }), sampleRecord(3)], events: [sampleEvent(2)] },
      { records: Array.from({ length: 20 }, (_, n) => sampleRecord(n + 1, { state: SENDING })) },
      { removed: [2] },
      { events: [sampleEvent(3)] },
    ];
    for (const commit of attempts)
      await expect(commitTo(one.store, commit)).rejects.toMatchObject(UNAVAILABLE);
    expect(one.fenced.aborted).toBe(true);
    expect(one.fenced.reason).toBeInstanceOf(Error);
    await expect(one.store.get("submission-1")).rejects.toMatchObject(UNAVAILABLE);
    expect(two.fenced.aborted).toBe(false);
    const three = await rig.open();
    const records = await Promise.all([1, 2, 3].map((n) => three.store.get(`submission-${n}`)));
    expect(records.map(plainRecord)).toEqual([sampleRecord(1), sampleRecord(2), undefined].map(plainRecord));
    const { byState, lastNumber } = await three.store.counts();
    expect([byState.get(SubmissionState.QUEUED), lastNumber]).toEqual([2, 2]);
    expect(await messageIds(rig.log)).toEqual(["m-1"]);
  });

  it("lets the holder that came last go on, and shows it what the one before had stored until then", async () => {
    await using rig = await start();
    const one = await rig.open();
    const commits = Array.from({ length: 40 }, (_, n) =>
      commitTo(one.store, { records: [sampleRecord(n + 1)] }),
    );
    const settled = Promise.allSettled(commits);
    await commits[5];
    const two = await rig.open();
    const results = await settled;
    const stored = results.filter(({ status }) => status === "fulfilled").length;
    expect(stored).toBeGreaterThan(5);
    const { records } = await two.store.list({ before: MANY, states: [], limit: MANY, maxExamined: MANY });
    const numbers = numbersOf(records).toReversed();
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, n) => n + 1));
    expect(numbers.length).toBeGreaterThanOrEqual(stored);
    await commitTo(two.store, { records: [sampleRecord(100)] });
    expect((await two.store.get("submission-100"))?.number).toBe(100);
    expect(two.fenced.aborted).toBe(false);
  });

  it("gives the store to exactly one of several that open it at once", async () => {
    await using rig = await start();
    const holders = await Promise.all([rig.open(), rig.open(), rig.open()]);
    const results = await Promise.allSettled(
      holders.map(({ store }, n) => commitTo(store, { records: [sampleRecord(n + 1)] })),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(holders.filter(({ fenced }) => !fenced.aborted)).toHaveLength(1);
    const last = await rig.open();
    const winner = results.findIndex(({ status }) => status === "fulfilled");
    expect((await last.store.counts()).lastNumber).toBe(winner + 1);
  });

  it("does not take messages of its own, whose acknowledgements were lost, for another holder's", async () => {
    await using rig = await start();
    const { store, fenced } = await rig.open();
    rig.publisher.fate = () => "unacknowledged";
    const commit = { records: [1, 2, 3].map((n) => sampleRecord(n)), events: [sampleEvent(1)] };
    await expect(commitTo(store, commit)).rejects.toMatchObject(UNAVAILABLE);
    rig.publisher.fate = () => "sent";
    expect((await store.get("submission-3"))?.number).toBe(3);
    expect(await messageIds(rig.log)).toEqual(["m-1"]);
    await commitTo(store, commit);
    expect(fenced.aborted).toBe(false);
    expect(await messageIds(rig.log)).toEqual(["m-1"]);
  });

  it("knows what of a commit is stored, also when it has lost the answer to the question", async () => {
    await using rig = await start();
    const { store, fenced } = await rig.open();
    const { count } = rig.publisher;
    // The first of three messages is stored, and so is the one that keeps the others from being stored later.
    rig.publisher.fate = (n) =>
      n === count || n === count + 3 ? "unacknowledged" : n < count + 3 ? "lost" : "sent";
    const records = [1, 2, 3].map((n) => sampleRecord(n));
    await expect(commitTo(store, { records })).rejects.toMatchObject(UNAVAILABLE);
    await expect(store.get("submission-1")).rejects.toMatchObject(UNAVAILABLE);
    expect((await store.get("submission-1"))?.number).toBe(1);
    expect(await store.get("submission-2")).toBeUndefined();
    await commitTo(store, { records });
    expect((await store.counts()).lastNumber).toBe(3);
    expect(fenced.aborted).toBe(false);
  });

  it("gives up when the stream has lost what it held", async () => {
    await using rig = await start();
    const { store, fenced } = await rig.open();
    await commitTo(store, { records: [sampleRecord(1)] });
    await rig.process.ask("STREAM.DELETE");
    await rig.process.outbox();
    await expect(commitTo(store, { records: [sampleRecord(2)] })).rejects.toMatchObject(UNAVAILABLE);
    expect(fenced.aborted).toBe(true);
  });
});
