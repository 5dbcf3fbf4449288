import type { MessageIdCounts } from "../../src/simulator/ledger.ts";
import type { RecordedRequest } from "../../src/simulator/request-journal.ts";
import { createSimulator, type Simulator } from "../../src/simulator/simulator.ts";
import type { Post } from "../crash/upstream.ts";

/** Requests that may come between two looks at the simulator's journal, which forgets old ones. */
const LOOK_EVERY = 200;

interface BodyMessage {
  readonly destinations: readonly { readonly to: string; readonly messageId: string }[];
}

/** What stands for Infobip: takes everything, and remembers all that arrived. */
export class FleetUpstream implements AsyncDisposable {
  readonly baseUrl: string;
  readonly #simulator: Simulator;
  readonly #acceptedTo: Map<string, number>;
  readonly #requests = new Set<RecordedRequest>();
  #looked = 0;

  private constructor(simulator: Simulator, baseUrl: string, acceptedTo: Map<string, number>) {
    this.#simulator = simulator;
    this.baseUrl = baseUrl;
    this.#acceptedTo = acceptedTo;
  }

  static async start(): Promise<FleetUpstream> {
    const acceptedTo = new Map<string, number>();
    const simulator = createSimulator({
      behaviours: () => "delivered",
      onAccepted: ({ attempts: [{ to }] }) => acceptedTo.set(to, (acceptedTo.get(to) ?? 0) + 1),
    });
    return new FleetUpstream(simulator, await simulator.start(), acceptedTo);
  }

  /** Resolves once a request was carried out whose answer never comes. */
  async holdOne(): Promise<void> {
    const before = this.#simulator.stats().requests.messages;
    this.#simulator.injectFaults({ kind: "hang", count: 1, accept: true, endpoints: ["messages"] });
    await this.#simulator.whenReceived("messages", before + 1);
    while (!this.#simulator.requests().some(({ fault }) => fault === "hang"))
      await new Promise((resolve) => setImmediate(resolve));
  }

  counts(messageId: string): MessageIdCounts {
    return this.#simulator.counts(messageId);
  }

  /** How often a message to this address was accepted, whatever its id. */
  acceptedTo(to: string): number {
    return this.#acceptedTo.get(to) ?? 0;
  }

  /** Takes note of what has arrived; to be called often. */
  look(): void {
    const { messages } = this.#simulator.stats().requests;
    if (messages - this.#looked < LOOK_EVERY) return;
    this.#note();
  }

  /** Every destination of every request that was read to its end, in the order of their arrival. */
  posts(): Post[] {
    this.#note();
    if (this.#requests.size !== this.#looked) throw new Error("some requests have escaped notice");
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

  #note(): void {
    this.#looked = this.#simulator.stats().requests.messages;
    for (const request of this.#simulator.requests()) this.#requests.add(request);
  }
}
