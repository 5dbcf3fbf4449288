import {
  type Arbitrary,
  array,
  assert,
  asyncProperty,
  boolean,
  constantFrom,
  integer,
  record,
} from "fast-check";
import { expect, test } from "vitest";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { ServiceError } from "../src/errors.ts";
import type { SendAnswer } from "../src/infobip/sending/send-queue.ts";
import { type FakeRequest, jobOf, type QueueRig, settle, startQueue } from "./send-queue-rig.ts";

const FAULTS = [
  "accept",
  "accept",
  "reject-some",
  "429",
  "503",
  "500",
  "refused",
  "reset",
  "reset-accepted",
] as const;
const POISONED = { violations: [{ property: "messages[0].content", violation: "bad" }] };
type Fault = (typeof FAULTS)[number];

/** What happens next. Numbers choose among what there is at the time. */
interface Step {
  readonly kind: "send" | "answer" | "write" | "cancel" | "time";
  readonly pick: number;
  readonly fault: Fault;
  readonly flow: number;
  readonly size: number;
  readonly isPoison: boolean;
  readonly isAlone: boolean;
  readonly hasHook: boolean;
  readonly timeoutMs: number;
}

const STEP: Arbitrary<Step> = record({
  kind: constantFrom("send", "send", "send", "answer", "answer", "write", "cancel", "time"),
  pick: integer({ min: 0, max: 1_000 }),
  fault: constantFrom(...FAULTS),
  flow: integer({ min: 0, max: 3 }),
  size: integer({ min: 1, max: 4 }),
  isPoison: integer({ min: 0, max: 9 }).map((chance) => chance === 0),
  isAlone: integer({ min: 0, max: 9 }).map((chance) => chance === 0),
  hasHook: boolean(),
  timeoutMs: constantFrom(0, 100, 1_000, 60_000),
});

interface Sent {
  readonly name: string;
  readonly ids: readonly string[];
  readonly controller: AbortController;
  readonly isPoison: boolean;
  readonly outcomes: (SendAnswer | ServiceError)[];
  readonly late: (SendAnswer | ServiceError)[];
}

/** The other side: knows what it has accepted, by the name that each message holds. */
class World {
  readonly accepted = new Map<string, number>();
  readonly poisoned = new Set<string>();
  /** Names of jobs that may have been accepted. */
  readonly uncertain = new Set<string>();
  readonly sent: Sent[] = [];
  readonly rig: QueueRig;

  constructor(limits: { total: number; failures: number }) {
    this.rig = startQueue({
      total: limits.total,
      failures: limits.failures,
      limits: { connections: 4, eagerRequests: 2, maxBatch: 5, maxJobs: 60 },
      channels: new Map([[Channel.RCS, 20]]),
    });
  }

  get open(): FakeRequest[] {
    return this.rig.requests.filter((request) => !request.isSettled);
  }

  send({ pick, flow, size, isPoison, isAlone, hasHook, timeoutMs }: Step): void {
    const name = `job-${this.sent.length}`;
    // Few ids, so that different jobs share some.
    const ids = Array.from({ length: size }, (_, index) => `m-${(pick + index) % 40}`);
    const controller = new AbortController();
    const sent: Sent = { name, ids, controller, isPoison, outcomes: [], late: [] };
    this.sent.push(sent);
    if (isPoison) this.poisoned.add(name);
    const job = jobOf(ids, {
      body: { endpoint: "messages", messages: [JSON.stringify({ name, ids })], options: undefined },
      channels: [{ channel: pick % 3 === 0 ? Channel.RCS : Channel.SMS, destinations: size }],
      flow: `flow-${flow}`,
      coalesce: !isAlone,
      signal: controller.signal,
      timeoutMs: timeoutMs || undefined,
      fieldPath: (property) => `${name}.${property}`,
      ...(hasHook ? { beforeSend: () => Promise.resolve() } : {}),
      onLate: (outcome) => void sent.late.push(outcome),
    });
    this.rig.queue.send(job).then(
      (answer) => sent.outcomes.push(answer),
      (error: unknown) => sent.outcomes.push(error as ServiceError),
    );
  }

  end(request: FakeRequest, fault: Fault): void {
    const jobs = namesIn(request);
    const isPoisoned = jobs.some((name) => this.poisoned.has(name));
    if (fault === "refused") request.fault("ECONNREFUSED");
    else if (isPoisoned) request.write().status(400, { body: POISONED });
    else if (fault === "429") request.write().status(429, { retryAfter: 1 });
    else if (fault === "503") request.write().status(503, { retryAfter: 1 });
    else this.#takeIn(request.write(), jobs, fault);
  }

  /** The request came through whole; what became of it is told or not. */
  #takeIn(request: FakeRequest, jobs: readonly string[], fault: Fault): void {
    const isUncertain = fault === "reset" || fault === "500";
    for (const name of jobs) {
      if (isUncertain) this.uncertain.add(name);
      else this.accepted.set(name, (this.accepted.get(name) ?? 0) + 1);
    }
    if (fault === "500") request.status(500);
    else if (fault === "reset" || fault === "reset-accepted") request.fault("ECONNRESET");
    else request.accept(fault === "reject-some" ? request.ids.toReversed().slice(1) : request.ids);
  }

  async run(step: Step): Promise<void> {
    const { open, sent, rig } = this;
    const request = open[step.pick % Math.max(1, open.length)];
    if (step.kind === "send") this.send(step);
    else if (step.kind === "time") rig.timer.advance(step.pick);
    else if (step.kind === "cancel") sent[step.pick % Math.max(1, sent.length)]?.controller.abort();
    else if (step.kind === "write") request?.write();
    else if (request) this.end(request, step.fault);
    await settle();
  }

  /** Answers everything until nothing is left. */
  async finish(): Promise<void> {
    for (let round = 0; round < 2_000; round++) {
      for (const request of this.open) this.end(request, "accept");
      await settle();
      const { queuedJobs, requests } = this.rig.queue.state();
      if (queuedJobs === 0 && requests === 0) return;
      this.rig.timer.advance(500);
    }
    throw new Error("jobs are left over");
  }
}

function namesIn({ body }: FakeRequest): string[] {
  return (JSON.parse(body) as { messages: { name: string }[] }).messages.map(({ name }) => name);
}

function checkAnswer(world: World, sent: Sent, answer: SendAnswer): void {
  expect(world.accepted.get(sent.name)).toBe(1);
  expect(answer.answers).toHaveLength(sent.ids.length);
  for (const [index, one] of answer.answers.entries()) {
    if (one) expect(one.messageId).toBe(sent.ids[index]);
  }
}

function checkError(world: World, sent: Sent, error: ServiceError): void {
  expect(error).toBeInstanceOf(ServiceError);
  const { outcome, message_ids } = error.metadata;
  if (outcome === "NOT_SENT") {
    expect(world.accepted.has(sent.name)).toBe(false);
    expect(world.uncertain.has(sent.name)).toBe(false);
  } else {
    expect(outcome).toBe("UNKNOWN");
    expect(message_ids).toBe(sent.ids.join(","));
  }
  // Contents are refused for the culprit only, in its own terms.
  if (error.reason === "UPSTREAM_REJECTED") {
    expect(sent.isPoison).toBe(true);
    expect(error.violations).toMatchObject([{ field: `${sent.name}.messages[0].content` }]);
  } else expect(error.violations).toEqual([]);
}

function check(world: World): void {
  for (const sent of world.sent) checkJob(world, sent);
  for (const request of world.rig.requests) expect(isSound(request)).toBe(true);
}

function checkJob(world: World, sent: Sent): void {
  const { outcomes, late, name } = sent;
  expect(outcomes).toHaveLength(1);
  for (const outcome of [...outcomes, ...late]) {
    if (outcome instanceof Error) checkError(world, sent, outcome);
    else checkAnswer(world, sent, outcome);
  }
  const mayBeSent = (world.accepted.get(name) ?? 0) + (world.uncertain.has(name) ? 1 : 0);
  expect(mayBeSent).toBeLessThanOrEqual(1);
  const [outcome] = outcomes;
  const isUnknown = outcome instanceof ServiceError && outcome.metadata.outcome === "UNKNOWN";
  // Late news comes only for what had ended as unknown.
  expect(late.length).toBeLessThanOrEqual(isUnknown ? 1 : 0);
}

/** No two jobs of a request share an id. */
function isSound(request: FakeRequest): boolean {
  const jobs = (JSON.parse(request.body) as { messages: { ids: string[] }[] }).messages;
  const ids = jobs.flatMap((job) => [...new Set(job.ids)]);
  return new Set(ids).size === ids.length;
}

test("whatever happens, every job ends once, with its own results, and the outcome it is told is true", async () => {
  await assert(
    asyncProperty(
      array(STEP, { minLength: 1, maxLength: 120 }),
      constantFrom(0, 30),
      constantFrom(0, 4),
      async (steps, total, failures) => {
        const world = new World({ total, failures });
        for (const step of steps) await world.run(step);
        await world.finish();
        check(world);
      },
    ),
    { numRuns: 150 },
  );
}, 60_000);
