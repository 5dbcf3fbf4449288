import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_DEAD_LETTERS } from "../src/eventlog/subscription-engine.ts";
import { sampleEvent } from "./event-log-samples.ts";
import { MemoryStorage } from "./fixtures/memory-storage.ts";
import { SubscriptionModel } from "./fixtures/subscription-model.ts";
import { LEASE_MS, SubscriptionRig } from "./subscription-harness.ts";

const SESSIONS = 3;
const session = fc.nat({ max: SESSIONS - 1 });
/** Which of the events that a session holds: a bit each. */
const choice = fc.nat({ max: 255 });

const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      keys: fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("take" as const), session, max: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("ack" as const), session, choice }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("through" as const), session, choice }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("nack" as const),
      session,
      choice,
      delayMs: fc.constantFrom(0, 0, 500),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("lose" as const), session }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), session }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("release" as const), session, choice }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("expire" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("seek" as const), part: fc.nat({ max: 100 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("redrive" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("fail" as const), commits: fc.boolean() }) },
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

/** Drives an engine and the model side by side. */
class Driver {
  readonly rig: SubscriptionRig;
  readonly model: SubscriptionModel;
  #sessions: ReturnType<SubscriptionRig["join"]>[] = [];
  #appended = 0;
  #areCommitsFailing = false;

  constructor(rig: SubscriptionRig, model: SubscriptionModel) {
    this.rig = rig;
    this.model = model;
  }

  sessionOf(index: number): ReturnType<SubscriptionRig["join"]> {
    const known = this.#sessions[index];
    if (known !== undefined && !known.ended.aborted) return known;
    const opened = this.rig.join();
    this.#sessions[index] = opened;
    return opened;
  }

  async run(step: Command): Promise<void> {
    const { rig, model } = this;
    switch (step.do) {
      case "append":
        for (const key of step.keys) {
          const n = ++this.#appended;
          const messageId = key === 0 ? "" : `m-${key}`;
          await rig.log.append([sampleEvent(n, { messageId })]);
          model.append(n, messageId);
        }
        return;
      case "take":
        return this.take(step.session, step.max);
      case "ack":
      case "through":
      case "nack":
      case "release":
        return this.#settle(step);
      case "lose":
      case "leave": {
        const opened = this.sessionOf(step.session);
        await opened.end(step.do === "lose" ? "CONNECTION_LOST" : "LEFT");
        model.end(opened.id, step.do === "lose");
        return;
      }
      case "expire":
        return this.#expire();
      case "wait":
        rig.timer.advance(500);
        return rig.settled();
      case "restart":
      case "crash":
        return this.#startAgain(step.do);
      case "seek": {
        await this.failCommits(false);
        const position = Math.floor((this.#appended * step.part) / 100);
        await rig.engine.seek("s", position);
        return model.seek(position);
      }
      case "redrive":
        await this.failCommits(false);
        expect(await rig.engine.redrive("s", "all")).toBe(model.redrive());
        return;
      case "fail":
        return this.failCommits(step.commits);
    }
  }

  /** Failures that could not be counted meanwhile are counted when commits work again. */
  async failCommits(fail: boolean): Promise<void> {
    this.#areCommitsFailing = fail;
    this.rig.failCommits(fail);
    if (fail) return;
    this.rig.timer.advance(1_000);
    await this.rig.settled();
  }

  async take(index: number, max: number): Promise<void> {
    const opened = this.sessionOf(index);
    const { deliveries, gap } = await opened.take({ maxEvents: max, maxBytes: 1 << 20, includeRaw: false });
    expect(gap).toBeUndefined();
    for (const { record, attempt } of deliveries) this.model.deliver(opened.id, record.sequence, attempt);
  }

  async check(): Promise<void> {
    const progress = await this.rig.engine.progress("s");
    expect(progress.settledTo).toBeLessThanOrEqual(this.model.settledTo);
    expect(progress.inFlight).toBe(this.model.inFlight);
    if (!this.#areCommitsFailing) expect(progress.deadLetters).toBe(this.model.deadLetters);
  }

  async #settle(step: Command & { do: "ack" | "through" | "nack" | "release" }): Promise<void> {
    const opened = this.sessionOf(step.session);
    const held = this.model.heldBy(opened.id);
    const chosen = held.filter((_, i) => (step.choice >> (i % 8)) & 1);
    const ids = chosen.map((n) => `e-${n}`);
    const last = chosen.at(-1);
    if (step.do === "release") {
      opened.release(chosen);
      return this.model.release(chosen);
    }
    const through = last === undefined ? [] : held.slice(0, held.indexOf(last) + 1);
    const settlement = {
      ackIds: step.do === "ack" ? ids : [],
      ackThrough: step.do === "through" ? last : undefined,
      nacks: step.do === "nack" ? [{ ids, delayMs: step.delayMs }] : [],
    };
    const result = await opened.settle(settlement);
    if (result.failures.length > 0) {
      expect(result).toMatchObject({ acked: 0, nacked: 0 });
      expect(result.failures.every(({ reason }) => reason === "LOG_UNAVAILABLE")).toBe(true);
    } else if (step.do === "nack") {
      expect(result.nacked).toBe(chosen.length);
      this.model.fail(chosen);
    } else {
      const acked = step.do === "ack" ? chosen : through;
      expect(result.acked).toBe(acked.length);
      this.model.ack(acked);
    }
  }

  async #expire(): Promise<void> {
    const open = this.#sessions.filter(({ ended }) => !ended.aborted);
    await this.failCommits(false);
    this.rig.timer.advance(LEASE_MS);
    await this.rig.settled();
    for (const { id, ended } of open) {
      expect(ended.aborted).toBe(true);
      this.model.end(id, true);
    }
  }

  async #startAgain(how: "restart" | "crash"): Promise<void> {
    // What could not be counted when a connection broke is counted first, so that the model knows the count.
    await this.failCommits(false);
    await (how === "restart" ? this.rig.restart() : this.rig.crash());
    this.#sessions = [];
    this.model.startAgain();
  }
}

describe("subscriptions, at random", () => {
  it("lose nothing, repeat nothing that was acknowledged, keep the order and count exactly", {
    timeout: 120_000,
  }, async () => {
    const commands = fc.array(command, { minLength: 10, maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(commands, fc.integer({ min: 1, max: 4 }), async (steps, maxAttempts) => {
        await using rig = new SubscriptionRig(new MemoryStorage());
        await rig.create({ maxAttempts });
        const driver = new Driver(rig, new SubscriptionModel(maxAttempts));
        for (const step of steps) {
          await driver.run(step);
          await driver.check();
        }
        // In the end everything is delivered and acknowledged, and nothing is left.
        await driver.failCommits(false);
        for (let round = 0; driver.model.open > 0 && round < MAX_DEAD_LETTERS; round++) {
          for (let index = 0; index < SESSIONS; index++) {
            await driver.take(index, 50);
            await driver.run({ do: "ack", session: index, choice: 255 });
          }
        }
        expect(driver.model.open).toBe(0);
        expect(await rig.engine.progress("s")).toMatchObject({
          lagEvents: 0,
          settledTo: driver.model.settledTo,
        });
      }),
      { numRuns: 300, seed: 20_240_607 },
    );
  });
});
