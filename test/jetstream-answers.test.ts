import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type AnswerLimits, fullFrom } from "../src/eventlog/answer-store.ts";
import { answerKey } from "../src/eventlog/jetstream/answers/answer-value.ts";
import { openJetStreamAnswers, REFRESH_MS } from "../src/eventlog/jetstream/answers/jetstream-answers.ts";
import { storeSubject } from "../src/eventlog/jetstream/store-layouts.ts";
import { plainAnswer, sampleAnswer } from "./answer-samples.ts";
import { describeKeptAnswers, type KeptAnswerRig } from "./answer-store-contract.ts";
import { ManualTimer } from "./fixtures/manual-timer.ts";
import { type StoreProcess, startStoreProcess } from "./fixtures/store-rig.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

const WINDOW_MS = 1_000;

interface Rig extends KeptAnswerRig {
  readonly process: StoreProcess;
  readonly prefix: string;
  /** Lets the store look at how full the stream is. */
  refresh(): void;
}

describeNats("answers on JetStream", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function start(limits: AnswerLimits): Promise<Rig> {
    const prefix = uniquePrefix();
    const process = await startStoreProcess(server.url, prefix);
    const parts = await process.answers(limits.windowMs, limits.maxBytes);
    const timer = new ManualTimer();
    let store = await openJetStreamAnswers({ ...parts, limits, timer });
    return {
      process,
      prefix,
      get store() {
        return store;
      },
      refresh: () => timer.advance(REFRESH_MS),
      async reopen() {
        await store[Symbol.asyncDispose]();
        store = await openJetStreamAnswers({ ...parts, limits, timer });
      },
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]();
        await process[Symbol.asyncDispose]();
      },
    };
  }

  describeKeptAnswers("JetStream", start);

  it("forgets an answer when its time has passed since it was saved first, and takes another one then", async () => {
    await using rig = await start({ windowMs: WINDOW_MS, maxBytes: 1024 * 1024 });
    const began = performance.now();
    await rig.store.save("a", sampleAnswer(1));
    await rig.store.save("a", sampleAnswer(2));
    await vi.waitFor(async () => expect(await rig.store.find("a")).toBeUndefined(), { timeout: 10_000 });
    expect(performance.now() - began).toBeGreaterThanOrEqual(WINDOW_MS * 0.9);
    await rig.store.save("a", sampleAnswer(4));
    expect(plainAnswer(await rig.store.find("a"))).toEqual(plainAnswer(sampleAnswer(4)));
  });

  it("says early that it has no room, takes what it can, forgets none for it, and has room again in time", async () => {
    const maxBytes = 40_000;
    await using rig = await start({ windowMs: 3_000, maxBytes });
    const { store } = rig;
    const answerOf = (n: number) => sampleAnswer(n, "x".repeat(600));
    let saved = 0;
    let early = 0;
    const full = { reason: "REQUEST_IDS_FULL" };
    for (; saved < 100; saved++) {
      try {
        await store.save(`id-${saved}`, answerOf(saved));
      } catch (error) {
        expect(error).toMatchObject(full);
        break;
      }
      if (!store.hasRoom()) early++;
    }
    expect(early).toBeGreaterThanOrEqual(1);
    expect((saved - early) * 600).toBeLessThanOrEqual(fullFrom(maxBytes));
    expect(saved * 900).toBeGreaterThan(maxBytes);
    for (let n = 0; n < saved; n++)
      expect(plainAnswer(await store.find(`id-${n}`))).toEqual(plainAnswer(answerOf(n)));
    expect(store.hasRoom()).toBe(false);
    await rig.reopen();
    expect(rig.store.hasRoom()).toBe(false);
    await vi.waitFor(
      () => {
        rig.refresh();
        expect(rig.store.hasRoom()).toBe(true);
      },
      { timeout: 15_000 },
    );
    await rig.store.save("one-more", answerOf(99));
    expect(plainAnswer(await rig.store.find("one-more"))).toEqual(plainAnswer(answerOf(99)));
  });

  it("learns in time how full others have made it", async () => {
    await using rig = await start({ windowMs: 60_000, maxBytes: 40_000 });
    const values = await rig.process.answers(60_000, 40_000);
    await using other = await openJetStreamAnswers({
      ...values,
      limits: { windowMs: 60_000, maxBytes: 40_000 },
      timer: new ManualTimer(),
    });
    for (let n = 0; other.hasRoom(); n++) await other.save(`id-${n}`, sampleAnswer(n, "x".repeat(600)));
    expect(rig.store.hasRoom()).toBe(true);
    await vi.waitFor(() => {
      rig.refresh();
      expect(rig.store.hasRoom()).toBe(false);
    });
  });

  it("keeps one answer of two processes that save at once, and gives both the same", async () => {
    await using rig = await start({ windowMs: 60_000, maxBytes: 1024 * 1024 });
    await using process = await startStoreProcess(server.url, rig.prefix);
    const limits = { windowMs: 60_000, maxBytes: 1024 * 1024 };
    const parts = await process.answers(limits.windowMs, limits.maxBytes);
    await using other = await openJetStreamAnswers({ ...parts, limits, timer: new ManualTimer() });
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => [
        rig.store.save(`id-${n}`, sampleAnswer(n)),
        other.save(`id-${n}`, sampleAnswer(n + 1_000)),
      ]).flat(),
    );
    for (let n = 0; n < 50; n++) {
      const [one, two] = [await rig.store.find(`id-${n}`), await other.find(`id-${n}`)];
      expect(one).toBeDefined();
      expect(plainAnswer(one)).toEqual(plainAnswer(two));
    }
  });

  it("keeps an answer that is larger than a message", async () => {
    await using rig = await start({ windowMs: 60_000, maxBytes: 16 * 1024 * 1024 });
    const answer = sampleAnswer(1, "y".repeat(rig.process.link.maxPayload * 2));
    await rig.store.save("large", answer);
    await rig.store.save("large", sampleAnswer(2));
    expect(plainAnswer(await rig.store.find("large"))).toEqual(plainAnswer(answer));
  });

  it("rejects with LOG_UNAVAILABLE what it cannot read, and what it cannot store", async () => {
    await using rig = await start({ windowMs: 60_000, maxBytes: 1024 * 1024 });
    const subject = `${storeSubject(rig.prefix, "answers")}.${answerKey("strange")}`;
    await rig.process.publisher.publish(subject, Buffer.from("what others have put here"));
    await expect(rig.store.find("strange")).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    await rig.process.link[Symbol.asyncDispose]();
    await expect(rig.store.find("a")).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    await expect(rig.store.save("a", sampleAnswer(1))).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
  });
});
