import { equals } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type SendMessagesResponse,
  SendMessagesResponseSchema,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import { ServiceError } from "../src/errors.ts";
import { MemoryAnswerStore } from "./fixtures/memory-answer-store.ts";
import { requestIdRig, settled } from "./fixtures/request-id-rig.ts";
import { notSent, outcomeUnknown, type ScriptedJob } from "./fixtures/scripted-queue.ts";

const IDS = ["a", "b"] as const;

type Step =
  | { readonly kind: "call" | "desert"; readonly id: number }
  | { readonly kind: "cancel" | "leave" | "accept" | "refuse" | "break"; readonly at: number }
  | { readonly kind: "microtask" | "turn" };

const at = fc.nat({ max: 5 });
/** `desert`: all callers of an id leave. */
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("call"), id: fc.nat({ max: 1 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("desert"), id: fc.nat({ max: 1 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom("cancel", "leave", "accept", "refuse", "break"), at }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("microtask" as const, "turn" as const) }) },
);

interface Call {
  readonly id: string;
  readonly controller: AbortController;
  outcome: SendMessagesResponse | ServiceError | undefined;
}

/** Runs steps against the rig and looks after each that what must always hold does. */
class Run {
  readonly #answers = new MemoryAnswerStore();
  readonly #rig: ReturnType<typeof requestIdRig>;
  readonly calls: Call[] = [];
  #accepted = 0;

  constructor(slowStore: boolean) {
    if (slowStore) {
      this.#answers.beforeFind = () => settled();
      this.#answers.beforeSave = () => settled();
    }
    this.#rig = requestIdRig(this.#answers);
  }

  get jobs(): readonly ScriptedJob[] {
    return this.#rig.queue.jobs;
  }

  async take(step: Step): Promise<void> {
    if (step.kind === "call") this.#call(IDS[step.id] ?? "a");
    else if (step.kind === "desert") this.#desert(IDS[step.id] ?? "a");
    else if (!("at" in step)) await (step.kind === "turn" ? settled() : Promise.resolve());
    else if (step.kind === "cancel") this.#newest(this.#waiting(), step.at)?.controller.abort();
    else this.#end(step.kind, step.at);
    this.check();
  }

  /** Lets everything come to an end. */
  async finish(): Promise<void> {
    do {
      for (const job of this.jobs) job.accept(`answer-${this.#accepted++}`);
      await settled();
    } while (this.#waiting().length > 0 || this.jobs.some(({ isOver }) => !isOver));
    await this.#rig.once[Symbol.asyncDispose]();
    this.check();
  }

  check(): void {
    for (const id of IDS) {
      const jobs = this.#jobsOf(id);
      expect(jobs.filter(({ isOver }) => !isOver).length).toBeLessThanOrEqual(1);
      expect(new Set(jobs.map(({ job }) => job.messageIds.join())).size).toBeLessThanOrEqual(1);
      const answers = this.calls.flatMap((call) =>
        call.id === id && call.outcome !== undefined && !(call.outcome instanceof ServiceError)
          ? [call.outcome]
          : [],
      );
      const [first] = answers;
      for (const answer of answers)
        expect(first && equals(SendMessagesResponseSchema, answer, first)).toBe(true);
    }
  }

  #call(id: string): void {
    const controller = new AbortController();
    const call: Call = { id, controller, outcome: undefined };
    this.calls.push(call);
    const ended = (outcome: SendMessagesResponse | ServiceError) => {
      expect(call.outcome).toBeUndefined();
      call.outcome = outcome;
    };
    const { signal } = controller;
    void this.#rig.send({ requestId: id, text: id, destinations: 2, signal }).then(ended, ended);
  }

  #desert(id: string): void {
    for (const call of this.#waiting()) if (call.id === id) call.controller.abort();
  }

  #end(kind: "leave" | "accept" | "refuse" | "break", index: number): void {
    const job = this.#newest(
      this.jobs.filter(({ isOver }) => !isOver),
      index,
    );
    if (kind === "leave") job?.leave();
    else if (kind === "accept") job?.accept(`answer-${this.#accepted++}`);
    else if (kind === "refuse" && !job?.hasLeft) job?.fail(notSent());
    else if (kind === "break") job?.fail(outcomeUnknown());
  }

  #waiting(): Call[] {
    return this.calls.filter(({ outcome }) => outcome === undefined);
  }

  #newest<T>(list: readonly T[], index: number): T | undefined {
    return list.at(-1 - index);
  }

  /** Jobs carry no request id; their one message text does. */
  #jobsOf(id: string): ScriptedJob[] {
    return this.jobs.filter(
      ({ job: { body } }) => body.endpoint === "messages" && body.messages[0]?.includes(`"text":"${id}"`),
    );
  }
}

test("whatever repeats, cancels and failures come in whatever order: one send at a time, one answer, the same ids", async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(step, { maxLength: 60 }), async (slowStore, steps) => {
      const run = new Run(slowStore);
      for (const one of steps) await run.take(one);
      await run.finish();
      for (const { outcome } of run.calls) {
        if (outcome instanceof ServiceError)
          expect(["NOT_SENT", "UNKNOWN"]).toContain(outcome.metadata.outcome);
        else expect(outcome?.results).toHaveLength(2);
      }
    }),
    { numRuns: 400 },
  );
});

test("once an answer is stored no job follows, and who repeats gets it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const run = new Run(false);
      for (const one of steps) await run.take(one);
      await run.finish();
      await run.take({ kind: "call", id: 0 });
      await run.finish();
      const before = run.jobs.length;
      await run.take({ kind: "call", id: 0 });
      await settled();
      expect(run.jobs).toHaveLength(before);
      expect(run.calls.at(-1)?.outcome).not.toBeInstanceOf(ServiceError);
      expect(run.calls.at(-1)?.outcome).toBeDefined();
      run.check();
    }),
    { numRuns: 200 },
  );
});
