import type { FaultKind, FaultRule } from "../../src/simulator/fault.ts";
import type { MessageIdCounts } from "../../src/simulator/ledger.ts";
import type { RecordedRequest } from "../../src/simulator/request-journal.ts";
import { createSimulator, type Simulator } from "../../src/simulator/simulator.ts";
import type { KillPlan } from "./kill-plan.ts";

/** Chance of each fault, for each request. */
const CHANCE = 0.02;
const FAULTS: readonly FaultRule[] = [
  { kind: "rate-limited", retryAfterSeconds: 0 },
  { kind: "unavailable", retryAfterSeconds: 0 },
  { kind: "bad-request" },
  { kind: "server-error", accept: true },
  { kind: "server-error" },
  { kind: "reset-before-body" },
  { kind: "reset-after-body", accept: true },
  { kind: "reset-after-body" },
  { kind: "truncated-body" },
  { kind: "garbage-body" },
  { kind: "partial-rejection" },
];
/** Chance that a request is the one whose answer is held back. */
const HANG_CHANCE = 0.2;

/** One destination of a request that was read to its end. */
export interface Post {
  readonly to: string;
  readonly messageId: string;
  readonly fault: FaultKind | undefined;
}

interface BodyMessage {
  readonly destinations: readonly { readonly to: string; readonly messageId: string }[];
}

/** What stands for Infobip: fails at random, lets the service be killed, and remembers all that arrived. */
export class Upstream implements AsyncDisposable {
  readonly baseUrl: string;
  readonly #simulator: Simulator;
  readonly #onAccepted: { call: () => void };
  readonly #acceptedTo: Map<string, number>;
  readonly #requests = new Set<RecordedRequest>();

  private constructor(
    simulator: Simulator,
    baseUrl: string,
    onAccepted: { call: () => void },
    acceptedTo: Map<string, number>,
  ) {
    this.#simulator = simulator;
    this.baseUrl = baseUrl;
    this.#onAccepted = onAccepted;
    this.#acceptedTo = acceptedTo;
  }

  static async start(seed: number): Promise<Upstream> {
    const onAccepted = { call: () => {} };
    const acceptedTo = new Map<string, number>();
    const simulator = createSimulator({
      seed,
      behaviours: () => "delivered",
      onAccepted: ({ attempts: [{ to }] }) => {
        acceptedTo.set(to, (acceptedTo.get(to) ?? 0) + 1);
        onAccepted.call();
      },
    });
    return new Upstream(simulator, await simulator.start(), onAccepted, acceptedTo);
  }

  /** Requests that have arrived. */
  get requests(): number {
    return this.#simulator.stats().requests.messages;
  }

  counts(messageId: string): MessageIdCounts {
    return this.#simulator.counts(messageId);
  }

  /** How often a message to this address was accepted, whatever its id. */
  acceptedTo(to: string): number {
    return this.#acceptedTo.get(to) ?? 0;
  }

  /** Fails at random from here on; kills when a plan of its own says so. */
  beginRound(plan: KillPlan, kill: () => void, dead: AbortSignal): void {
    this.endRound();
    const isHeld = plan.by === "upstream" && plan.at !== "answering";
    if (isHeld) {
      const accept = plan.at === "carried out";
      this.#simulator.injectFaults({ kind: "hang", count: 1, probability: HANG_CHANCE, accept });
      void this.#untilHeld(dead).then(kill);
    }
    this.#simulator.injectFaults(...FAULTS.map((fault) => ({ ...fault, probability: CHANCE })));
    if (plan.by !== "upstream" || isHeld) return;
    let count = 0;
    this.#onAccepted.call = () => {
      if (++count >= plan.nth) kill();
    };
  }

  /** Fails no more; takes note of what has arrived. */
  endRound(): void {
    this.#simulator.clearFaults();
    this.#onAccepted.call = () => {};
    for (const request of this.#simulator.requests()) this.#requests.add(request);
  }

  /** Every destination of every request that was read to its end, in the order of their arrival. */
  posts(): Post[] {
    this.endRound();
    if (this.#requests.size !== this.requests) throw new Error("some requests have escaped notice");
    return [...this.#requests].flatMap(({ body, fault }) => {
      if (body === undefined) return [];
      const { messages } = JSON.parse(body) as { messages: readonly BodyMessage[] };
      return messages.flatMap(({ destinations }) =>
        destinations.map(({ to, messageId }) => ({ to, messageId, fault })),
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#simulator[Symbol.asyncDispose]();
  }

  /** Resolves when a request was read and its answer is held back, or the service is dead. */
  async #untilHeld(dead: AbortSignal): Promise<void> {
    const simulator = this.#simulator;
    const died = new Promise<void>((resolve) => dead.addEventListener("abort", () => resolve()));
    const known = new Set(simulator.requests());
    const isUsedUp = () => simulator.stats().faults < FAULTS.length + 1;
    while (!dead.aborted && !isUsedUp())
      await Promise.race([simulator.whenReceived("messages", this.requests + 1), died]);
    const isRead = () => simulator.requests().some((one) => one.fault === "hang" && !known.has(one));
    while (!dead.aborted && !isRead()) await new Promise((resolve) => setImmediate(resolve));
  }
}
