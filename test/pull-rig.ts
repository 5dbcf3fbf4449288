import { fromBinary } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "../gen/infobip/events/v1/event_pb.js";
import type { InfobipClient } from "../src/infobip/infobip-client.ts";
import { Secret } from "../src/secret.ts";
import { ManualClock } from "../src/simulator/manual-clock.ts";
import type { SimulatorOptions } from "../src/simulator/options.ts";
import { createSimulator, type Simulator } from "../src/simulator/simulator.ts";
import { createPollers, type Pollers, type PollersOptions } from "../src/webhook/pollers.ts";
import type { FetchFailure, HeldPage, LostPage, PullSource, StoredPage } from "../src/webhook/pull-events.ts";
import { WebhookReceiver } from "../src/webhook/receiver.ts";
import { MemoryEventLog } from "./fixtures/memory-event-log.ts";
import { clientOf } from "./infobip-scripted-upstream.ts";
import { call, SEND, textMessage } from "./simulator-requests.ts";

/** What a poller told. */
export type Told =
  | ({ readonly kind: "stored"; readonly source: PullSource } & StoredPage)
  | ({ readonly kind: "fetchFailed"; readonly source: PullSource } & FetchFailure)
  | ({ readonly kind: "held"; readonly source: PullSource } & HeldPage)
  | ({ readonly kind: "lost"; readonly source: PullSource } & LostPage);

/** Keeps what pollers tell, and lets a test wait for it. */
export class ToldEvents {
  readonly all: Told[] = [];
  readonly #waiting = new Set<() => void>();

  readonly events: PollersOptions["events"] = {
    stored: (source, page) => this.#add({ kind: "stored", source, ...page }),
    fetchFailed: (source, failure) => this.#add({ kind: "fetchFailed", source, ...failure }),
    held: (source, held) => this.#add({ kind: "held", source, ...held }),
    lost: (source, loss) => this.#add({ kind: "lost", source, ...loss }),
  };

  of<K extends Told["kind"]>(kind: K): Extract<Told, { kind: K }>[] {
    return this.all.filter((told): told is Extract<Told, { kind: K }> => told.kind === kind);
  }

  /** Resolves once that many of a kind were told. */
  async until(kind: Told["kind"], count: number): Promise<void> {
    while (this.of(kind).length < count) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  #add(told: Told): void {
    this.all.push(told);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** A simulator that calls no webhook, and pollers that fetch from it into a log in memory. Their time stands still. */
export interface PullRig extends AsyncDisposable {
  readonly simulator: Simulator;
  readonly baseUrl: string;
  readonly client: InfobipClient;
  readonly log: MemoryEventLog;
  readonly clock: ManualClock;
  readonly told: ToldEvents;
  readonly pollers: Pollers;
  /** Lets Infobip accept a text message to each number, and waits for the reports. */
  send(...to: string[]): Promise<void>;
  /** Resolves once a poller waits, and lets the wait be over. Gives the wait. */
  passWait(): Promise<number>;
  /** The stored events, decoded. */
  events(): Event[];
}

export interface PullRigOptions {
  readonly config?: Partial<PollersOptions["config"]>;
  readonly simulator?: SimulatorOptions;
  readonly random?: () => number;
  readonly isLogHealthy?: () => boolean;
}

export async function startPullRig(options: PullRigOptions = {}): Promise<PullRig> {
  const simulator = createSimulator({ reportDelayMs: 0, stepDelayMs: 0, ...options.simulator });
  const baseUrl = await simulator.start();
  const client = clientOf(baseUrl, { credentials: { type: "app", apiKey: new Secret("simulator") } });
  const log = new MemoryEventLog();
  const clock = new WaitableClock();
  const told = new ToldEvents();
  const receiver = new WebhookReceiver({ log, appendTimeoutMs: 5_000 });
  const pollers = createPollers({
    client,
    receive: (route, body) => receiver.receive(route, body),
    config: { reports: true, inbound: [], intervalMs: 5_000, limit: 500, ...options.config },
    ...(options.isLogHealthy && { isLogHealthy: options.isLogHealthy }),
    timer: { schedule: (delayMs, run) => clock.setTimer(delayMs, run) },
    random: options.random ?? (() => 0.5),
    events: told.events,
  });
  return {
    simulator,
    baseUrl,
    client,
    log,
    clock,
    told,
    pollers,
    async send(...to) {
      await call(baseUrl, "POST", SEND, { messages: [textMessage("SMS", to)] });
      await simulator.idle();
    },
    async passWait() {
      const delayMs = await clock.nextWait();
      clock.advance(delayMs);
      return delayMs;
    },
    events: () => log.stored.map((record) => fromBinary(EventSchema, record.encoded)),
    async [Symbol.asyncDispose]() {
      await simulator[Symbol.asyncDispose]();
      const stopped = pollers.stop(0);
      clock.advance(60_000);
      await stopped;
      await client[Symbol.asyncDispose]();
    },
  };
}

/** Tells when somebody waits. */
export class WaitableClock extends ManualClock {
  readonly #waiting = new Set<() => void>();

  override setTimer(delayMs: number, run: () => void): () => void {
    const cancel = super.setTimer(delayMs, run);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
    return cancel;
  }

  /** The shortest wait of all that are under way; waits for one. */
  async nextWait(): Promise<number> {
    while (this.pendingDelays().length === 0)
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    return this.pendingDelays()[0] ?? 0;
  }
}
