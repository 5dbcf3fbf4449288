import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { SubscriptionChange } from "../src/eventlog/embedded/subscription-store.ts";
import { openFencedSubscription } from "../src/eventlog/jetstream/subscriptions/open-fenced-subscription.ts";
import { createSubscriptionListing } from "../src/eventlog/jetstream/subscriptions/subscription-listing.ts";
import type { Values } from "../src/nats/values.ts";
import { decodeEvent, sampleEvents } from "./event-log-samples.ts";
import { FaultyPublisher } from "./fixtures/faulty-publisher.ts";
import { startStoreProcess } from "./fixtures/store-rig.ts";
import { TrimmedEventLog } from "./fixtures/trimmed-event-log.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

const ID = "s";
const UNAVAILABLE = { reason: "LOG_UNAVAILABLE" };
const LETTERS = { limit: 10_000, maxBytes: 1 << 30, includeRaw: true };
const stateOf = (n: number): Uint8Array => Buffer.from(`state ${n}`);
const put = (n: number): SubscriptionChange => ({ kind: "put", id: ID, state: stateOf(n) });
const bury = (sequence: number, attempts = 1): SubscriptionChange => ({
  kind: "bury",
  id: ID,
  sequence,
  attempts,
  deadTimeMs: 1_700_000_000_000 + sequence,
  failure: "NACK",
});

describeNats("subscriptions on JetStream, holders", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function start() {
    const process = await startStoreProcess(server.url, uniquePrefix());
    const publisher = new FaultyPublisher(process.publisher);
    const values = await process.subscriptions(publisher);
    const log = new TrimmedEventLog();
    await log.append(sampleEvents(1, 2_000));
    const open = () => openFencedSubscription(ID, { values, log, instanceId: "instance" });
    const dispose = () => process[Symbol.asyncDispose]();
    return { process, publisher, values, log, open, [Symbol.asyncDispose]: dispose };
  }
  const stored = async ({ open }: Awaited<ReturnType<typeof start>>) => {
    const { store } = await open();
    const [loaded] = store.load();
    const letters = await store.deadLetters(ID, 0, LETTERS);
    return {
      state: loaded && Buffer.from(loaded.state).toString(),
      redriven: loaded?.redriven,
      letters: letters.map(({ record, attempts }) => `${decodeEvent(record).id} ${attempts}`),
    };
  };
  const keysOf = async (values: Values) => (await values.keys("", 1_000)).toSorted();

  it("stores nothing of a holder from the moment in which another one has opened the subscription", async () => {
    await using rig = await start();
    const one = await rig.open();
    await one.store.commit([put(1), bury(1)]);
    const two = await rig.open();
    await expect(one.store.commit([put(2), bury(2)])).rejects.toMatchObject(UNAVAILABLE);
    expect(one.fenced.aborted).toBe(true);
    await expect(one.store.commit([{ kind: "delete", id: ID }])).rejects.toMatchObject(UNAVAILABLE);
    await expect(one.store.deadLetters(ID, 0, LETTERS)).rejects.toMatchObject(UNAVAILABLE);
    expect(two.fenced.aborted).toBe(false);
    await two.store.commit([put(3)]);
    expect(await stored(rig)).toEqual({ state: "state 3", redriven: [], letters: ["e-1 1"] });
    expect((await keysOf(rig.values)).filter((key) => key.startsWith("dead."))).toHaveLength(1);
  });

  it("fences a holder that has nothing stored once another one creates the subscription", async () => {
    await using rig = await start();
    const one = await rig.open();
    const two = await rig.open();
    await two.store.commit([put(1)]);
    await expect(one.store.commit([put(2)])).rejects.toMatchObject(UNAVAILABLE);
    expect(one.fenced.aborted).toBe(true);
    expect(await stored(rig)).toMatchObject({ state: "state 1" });
  });

  it("keeps a commit whole or not at all, wherever a crash cuts it off", async () => {
    const change = [put(2), bury(1, 7), bury(3), { kind: "settle", id: ID, sequences: [2] } as const];
    const before = { state: "state 1", redriven: [2], letters: ["e-1 1", "e-2 1"] };
    const after = { state: "state 2", redriven: [], letters: ["e-1 7", "e-3 1"] };
    const results: unknown[] = [];
    for (let messages = 0; messages < 3; messages++) {
      await using rig = await start();
      const { store } = await rig.open();
      await store.commit([put(1), bury(1), bury(2), { kind: "redrive", id: ID, sequences: [2] }]);
      const first = rig.publisher.count;
      rig.publisher.fate = (n) => (n < first + messages ? "unacknowledged" : "lost");
      if (messages === 2) rig.publisher.fate = (n) => (n === first + 1 ? "unacknowledged" : "sent");
      await expect(store.commit(change)).rejects.toMatchObject(UNAVAILABLE);
      rig.publisher.fate = () => "sent";
      results.push(await stored(rig));
      const letters = (await keysOf(rig.values)).filter((key) => key.startsWith("dead."));
      expect(letters).toHaveLength(2);
    }
    expect(results).toEqual([before, before, after]);
  });

  it("replaces by its next commit one of its own that was rejected and is stored all the same", async () => {
    await using rig = await start();
    const { store, fenced } = await rig.open();
    await store.commit([put(1)]);
    rig.publisher.fate = () => "unacknowledged";
    await expect(store.commit([put(2)])).rejects.toMatchObject(UNAVAILABLE);
    rig.publisher.fate = () => "late";
    await expect(store.commit([put(3)])).rejects.toMatchObject(UNAVAILABLE);
    rig.publisher.fate = () => "sent";
    await store.commit([put(4)]);
    expect(await rig.publisher.arrive()).toBe(0);
    expect(fenced.aborted).toBe(false);
    expect(await stored(rig)).toMatchObject({ state: "state 4" });
  });

  it("goes on after a delete that was rejected and is stored all the same", async () => {
    await using rig = await start();
    const { store } = await rig.open();
    await store.commit([put(1), bury(1)]);
    rig.publisher.fate = () => "unacknowledged";
    await expect(store.commit([{ kind: "delete", id: ID }])).rejects.toMatchObject(UNAVAILABLE);
    rig.publisher.fate = () => "sent";
    await store.commit([put(2)]);
    expect(await stored(rig)).toEqual({ state: "state 2", redriven: [], letters: ["e-1 1"] });
  });

  it("leaves nothing behind when the subscription is deleted, and takes another one of its name", async () => {
    await using rig = await start();
    const { store } = await rig.open();
    const many = Array.from({ length: 500 }, (_, n) => bury(n + 1));
    await store.commit([put(1), ...many]);
    await store.commit([{ kind: "delete", id: ID }]);
    expect(await keysOf(rig.values)).toEqual([]);
    expect(store.load()).toEqual([]);
    await store.commit([put(2)]);
    expect(await stored(rig)).toEqual({ state: "state 2", redriven: [], letters: [] });
    expect(await createSubscriptionListing(rig.values).listSubscriptionIds()).toEqual([ID]);
  });

  it("keeps thousands of dead letters over a restart, and removes those that are settled", async () => {
    await using rig = await start();
    const { store } = await rig.open();
    await store.commit([put(0)]);
    for (let n = 0; n < 1_500; n += 100)
      await store.commit([put(n), ...Array.from({ length: 100 }, (_, i) => bury(n + i + 1))]);
    const all = Array.from({ length: 1_500 }, (_, n) => n + 1);
    await store.commit([{ kind: "redrive", id: ID, sequences: all.slice(3) }]);
    await store.commit([put(9), { kind: "settle", id: ID, sequences: all.slice(5) }]);
    const found = await stored(rig);
    expect(found).toEqual({
      state: "state 9",
      redriven: [4, 5],
      letters: [1, 2, 3, 4, 5].map((n) => `e-${n} 1`),
    });
    const keys = await keysOf(rig.values);
    expect(keys.filter((key) => key.startsWith("dead."))).toHaveLength(5);
    expect(keys.filter((key) => key.startsWith("index."))).toHaveLength(1);
  });

  it("holds what was confirmed, after kills of the server in the middle of commits", async () => {
    await using rig = await start();
    const { store, fenced } = await rig.open();
    for (let n = 1; n <= 200; n++) {
      const commit = () => store.commit([put(n), bury(n)]);
      const confirmed = vi.waitFor(commit, { timeout: 20_000, interval: 20 });
      if (n % 70 === 0) await server.restart("SIGKILL");
      await confirmed;
    }
    expect(fenced.aborted).toBe(false);
    const letters = Array.from({ length: 200 }, (_, n) => `e-${n + 1} 1`);
    expect(await stored(rig)).toEqual({ state: "state 200", redriven: [], letters });
  });
});
