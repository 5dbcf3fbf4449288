import { ServiceError } from "../src/errors.ts";
import type { SubscriptionChange, SubscriptionStore } from "../src/eventlog/embedded/subscription-store.ts";
import { createSubscriptionEngine } from "../src/eventlog/embedded/subscriptions/create-subscription-engine.ts";
import type { EventLog } from "../src/eventlog/event-log.ts";
import type {
  SessionOptions,
  Settlement,
  SettlementResult,
  SubscriptionEngine,
  SubscriptionSession,
  SubscriptionSettings,
  TakeOptions,
} from "../src/eventlog/subscription-engine.ts";
import { ManualTimer } from "./fixtures/manual-timer.ts";

/** A log and its subscriptions in a storage that can be opened again and again. */
export interface SubscriptionStorage extends AsyncDisposable {
  readonly log: EventLog;
  readonly store: SubscriptionStore;
  /** Closes the log and opens it again. */
  reopen(): Promise<void>;
  /** Goes over to a copy of what is stored now, as if the process had been killed. */
  crash(): Promise<void>;
  /** Does what retention would do: removes the events up to a position. */
  removeThrough(position: number): Promise<void>;
}

/** Settings that get in no test's way: redelivery at once, up to 1,000 times. */
export const FREE_SETTINGS: SubscriptionSettings = {
  filter: undefined,
  maxInFlight: 10_000,
  maxAttempts: 1_000,
  minBackoffMs: 0,
  maxBackoffMs: 0,
};

/** Lease of the sessions, in milliseconds. */
export const LEASE_MS = 30_000;

/** Bounds that no test reaches by chance. */
export const TAKE_ALL: TakeOptions = { maxEvents: 10_000, maxBytes: 1 << 30, includeRaw: false };

/** An engine on a storage, with the subscription `s` and a clock that goes when told to. */
export class SubscriptionRig implements AsyncDisposable {
  readonly storage: SubscriptionStorage;
  readonly timer = new ManualTimer();
  engine: SubscriptionEngine & AsyncDisposable;
  /** Called before each commit; what it throws or waits for is what the commit does. */
  beforeCommit: (changes: readonly SubscriptionChange[]) => Promise<void> | void = () => {};
  readonly #storing = new Set<Promise<unknown>>();
  #sessions = 0;
  #generation = 0;

  constructor(storage: SubscriptionStorage) {
    this.storage = storage;
    this.engine = this.#start();
  }

  get log(): EventLog {
    return this.storage.log;
  }

  /** Creates the subscription `s` at the beginning of the log. */
  async create(settings: Partial<SubscriptionSettings> = {}, position = 0): Promise<void> {
    await this.engine.create("s", { ...FREE_SETTINGS, ...settings }, position);
  }

  join(options: Partial<SessionOptions> = {}): SubscriptionSession {
    return this.engine.join("s", { clientId: "", leaseMs: LEASE_MS, maxOutstanding: 10_000, ...options });
  }

  /** Stops in order and starts again. */
  async restart(): Promise<void> {
    await this.engine[Symbol.asyncDispose]();
    await this.storage.reopen();
    this.engine = this.#start();
  }

  /** Starts again on what is stored now; what the engine before does from here on is lost. */
  async crash(): Promise<void> {
    await this.storage.crash();
    this.engine = this.#start();
  }

  /** Lets every commit fail until it is called again with false. */
  failCommits(fail: boolean): void {
    this.beforeCommit = fail ? () => Promise.reject(unavailable()) : () => {};
  }

  /** Lets everything run that needs no time to pass, and waits for what is being stored. */
  async settled(): Promise<void> {
    do {
      await Promise.allSettled(this.#storing);
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    } while (this.#storing.size > 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.beforeCommit = () => {};
    await this.engine[Symbol.asyncDispose]();
    await this.storage[Symbol.asyncDispose]();
  }

  #start(): SubscriptionEngine & AsyncDisposable {
    const { log, store } = this.storage;
    const generation = ++this.#generation;
    const guarded: SubscriptionStore = {
      load: () => store.load(),
      deadLetters: (id, after, options) => store.deadLetters(id, after, options),
      deadLetterSequences: (id, among) => store.deadLetterSequences(id, among),
      commit: async (changes) => {
        if (generation !== this.#generation) throw unavailable();
        await this.beforeCommit(changes);
        const stored = store.commit(changes);
        this.#storing.add(stored);
        return stored.finally(() => this.#storing.delete(stored));
      },
    };
    const newSessionId = (): string => `session-${++this.#sessions}`;
    const { timer } = this;
    return createSubscriptionEngine({ log, store: guarded, now: timer.wallClock, timer, newSessionId });
  }
}

/** The error of a log that cannot be written. */
export function unavailable(): ServiceError {
  return new ServiceError(14, "LOG_UNAVAILABLE", "the event log cannot be written now; repeat later");
}

/** Takes everything that there is, as `sequence:attempt`. */
export async function taken(
  session: SubscriptionSession,
  options: Partial<TakeOptions> = {},
): Promise<string[]> {
  const { deliveries } = await session.take({ ...TAKE_ALL, ...options });
  return deliveries.map(({ record, attempt }) => `${record.sequence}:${attempt}`);
}

/** First deliveries of a range of sequences, as {@link taken} shows them. */
export function firstOf(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}:1`);
}

/** Acknowledges sample events by their numbers. */
export function ack(session: SubscriptionSession, ...numbers: number[]): Promise<SettlementResult> {
  return session.settle({ ackIds: numbers.map((n) => `e-${n}`), nacks: [] });
}

/** Refuses sample events by their numbers. */
export function nack(
  session: SubscriptionSession,
  numbers: readonly number[],
  delayMs?: number,
): Promise<SettlementResult> {
  const settlement: Settlement = { ackIds: [], nacks: [{ ids: numbers.map((n) => `e-${n}`), delayMs }] };
  return session.settle(settlement);
}
