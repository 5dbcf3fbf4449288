import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { expect, it } from "vitest";
import { SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { SubmissionState, UnknownOutcomePolicy } from "../gen/infobip/messages/v1/submission_pb.js";
import { ServiceError } from "../src/errors.ts";
import {
  type HandedOver,
  newSubmission,
  notSent,
  type OutboxRig,
  openRig,
  settled,
  unknown,
} from "./outbox-harness.ts";
import { OutboxWatcher } from "./outbox-watcher.ts";

const { SENDING, ACCEPTED, REJECTED, OUTCOME_UNKNOWN, CANCELLED, EXPIRED } = SubmissionState;
const IDS = 8;
const STEPS_MS = [0, 300, 1_000, 20_000, 90_000];

const ERRORS: Readonly<Record<string, () => unknown>> = {
  "429": () => notSent("UPSTREAM_RATE_LIMITED", Code.ResourceExhausted, { retryDelayMs: 700 }),
  "401": () => notSent("UPSTREAM_CREDENTIALS_REJECTED", Code.Unauthenticated),
  circuit: () => notSent("UPSTREAM_UNREACHABLE", Code.Unavailable, { metadata: { circuit: "open" } }),
  full: () => notSent("OVERLOADED", Code.ResourceExhausted),
  late: () => notSent("OVERLOADED", Code.DeadlineExceeded),
  rejected: () => notSent("UPSTREAM_REJECTED", Code.InvalidArgument),
  unknown: () => unknown(),
  internal: () => new Error("a fault"),
};

const id = fc.nat({ max: IDS - 1 }).map((n) => `s${n}`);
const choice = fc.nat({ max: 31 });
const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("submit" as const),
      id,
      twice: fc.boolean(),
      isRepeated: fc.boolean(),
      sendAfterMs: fc.constantFrom(0, 0, 400, 30_000),
      expireAfterMs: fc.constantFrom(0, 0, 1_500, 60_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cancel" as const), id }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("leave" as const), choice }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("end" as const),
      choice,
      how: fc.constantFrom("sent", "sent", "refused", "unknown", "unknown", ...Object.keys(ERRORS)),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(...STEPS_MS) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("break" as const),
      what: fc.constantFrom(
        "commits" as const,
        "confirmations" as const,
        "reads" as const,
        undefined,
        undefined,
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("hold" as const),
      what: fc.constantFrom("due" as const, "expired" as const, "get" as const, undefined, undefined),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

class Driver {
  readonly watcher = new OutboxWatcher();
  rig: OutboxRig;
  readonly #calls: Promise<unknown>[] = [];
  #broken: "commits" | "confirmations" | "reads" | undefined;

  constructor(rig: OutboxRig) {
    this.rig = rig;
  }

  async run(step: Command): Promise<void> {
    switch (step.do) {
      case "submit":
        return this.#submit(step);
      case "cancel":
        return this.#ends(this.rig.outbox.cancel(step.id));
      case "leave":
        return this.#leave(this.#choose(step.choice));
      case "end":
        return this.#end(this.#choose(step.choice), step.how);
      case "wait":
        return this.rig.advance(step.ms);
      case "break":
        return this.#break(step.what);
      case "hold":
        return this.#hold(step.what);
      case "crash":
      case "restart":
        return this.#startAgain(step.do === "crash");
    }
  }

  /** Everything works from here on: all submissions come to an end. */
  async finish(): Promise<void> {
    this.#break(undefined);
    await this.#hold(undefined);
    for (let round = 0; round < 20 && this.#open().length > 0; round++) {
      await this.rig.advance(61_000);
      for (const handed of this.rig.waiting) {
        await this.#leave(handed);
        await this.#end(handed, "sent");
      }
      this.watcher.check(this.rig.store);
    }
    expect(this.#open()).toEqual([]);
  }

  #open(): readonly unknown[] {
    return this.rig.store.records.filter(({ state }) => state <= SENDING);
  }

  #choose(choice: number): HandedOver | undefined {
    return this.rig.waiting[choice % Math.max(1, this.rig.waiting.length)];
  }

  /** A call that may fail, but not by a fault. */
  async #ends(call: Promise<unknown>): Promise<void> {
    const ended = call.then(
      () => true,
      (error: unknown) => expect(error).toBeInstanceOf(ServiceError),
    );
    await settled();
    if (this.rig.faults.held === "get") this.#calls.push(ended);
    else await ended;
  }

  /** Holds reads back until it is told otherwise. */
  async #hold(what: "due" | "expired" | "get" | undefined): Promise<void> {
    this.rig.faults.held = what;
    if (what !== undefined) return;
    await settled();
    await Promise.all(this.#calls.splice(0));
  }

  async #submit(step: Command & { do: "submit" }): Promise<void> {
    const { rig, watcher } = this;
    const policy = step.isRepeated ? UnknownOutcomePolicy.AT_LEAST_ONCE : UnknownOutcomePolicy.AT_MOST_ONCE;
    const known = watcher.policies.get(step.id) ?? policy;
    watcher.policies.set(step.id, known);
    const now = rig.timer.wallClock();
    const submission = newSubmission(step.id, {
      policy: known,
      sendAfterMs: step.sendAfterMs === 0 ? 0 : now + step.sendAfterMs,
      expireAfterMs: step.expireAfterMs === 0 ? 0 : now + step.sendAfterMs + step.expireAfterMs,
    });
    const submit = () => rig.outbox.submit(submission).then(() => watcher.confirmed.add(step.id));
    await Promise.all((step.twice ? [1, 2] : [1]).map(() => this.#ends(submit())));
  }

  /** A request that has left is made again only when it is proved unsent. */
  async #leave(handed: HandedOver | undefined): Promise<void> {
    if (handed === undefined || handed.left > 0) return;
    const others = this.rig.waiting.filter((other) => other !== handed && other.left > 0);
    const gone = handed.leave();
    await settled();
    if (await gone) this.watcher.leaves(handed, others);
  }

  async #end(handed: HandedOver | undefined, how: string): Promise<void> {
    if (handed === undefined || handed.isOver) return;
    const hasLeft = handed.left > 0;
    if (!hasLeft && ["sent", "refused", "unknown", "internal", "rejected"].includes(how)) return;
    const isTaken = how === "sent" || how === "unknown" || how === "internal";
    // An answer that names the messages tells of earlier requests too.
    if (hasLeft)
      this.watcher.ended(handed, isTaken ? "taken" : how === "refused" ? "never taken" : "not taken");
    if (how === "sent") handed.answer();
    else if (how === "refused") handed.answer(SendOutcome.NOT_SENT);
    else handed.fail(ERRORS[how]?.());
    await settled();
  }

  #break(what: "commits" | "confirmations" | "reads" | undefined): void {
    this.#broken = what;
    const { faults } = this.rig;
    faults.commits = what === "commits";
    faults.confirmations = what === "confirmations";
    faults.reads = what === "reads";
  }

  async #startAgain(isCrash: boolean): Promise<void> {
    const old = this.rig;
    await this.#hold(undefined);
    for (const handed of old.waiting) if (handed.left > 0) this.watcher.ended(handed, "taken");
    // What the old one does after a crash is done to a store that nobody looks at.
    const crashed = old.store.copy();
    const disposed = old[Symbol.asyncDispose]();
    await settled();
    await disposed;
    const store = isCrash ? crashed : old.store.copy();
    this.rig = await openRig({ store, timer: old.timer, limits: { concurrency: 3 } });
    this.#break(this.#broken);
  }
}

it("loses nothing, sends nothing twice that may have been sent AT_MOST_ONCE, and tells every change once", async () => {
  const ends = new Set<SubmissionState>();
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 60 }), async (steps) => {
      const driver = new Driver(await openRig({ limits: { concurrency: 3 } }));
      for (const step of steps) {
        await driver.run(step);
        driver.watcher.check(driver.rig.store);
      }
      await driver.finish();
      for (const { state } of driver.rig.store.records) ends.add(state);
      await driver.rig[Symbol.asyncDispose]();
    }),
    { numRuns: 200 },
  );
  expect([...ends].sort()).toEqual([ACCEPTED, REJECTED, OUTCOME_UNKNOWN, CANCELLED, EXPIRED]);
}, 120_000);
