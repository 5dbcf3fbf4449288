import type { ClockTimer } from "../../../timer.ts";
import type { EventLog } from "../../event-log.ts";
import { compileFilter } from "../../filter.ts";
import {
  type DeadLetterRecord,
  MAX_SUBSCRIPTIONS,
  type SessionOptions,
  type SettingsChange,
  type SubscriptionEngine,
  type SubscriptionProgress,
  type SubscriptionRecord,
  type SubscriptionSession,
  type SubscriptionSettings,
} from "../../subscription-engine.ts";
import type { StoredSubscription, SubscriptionStore } from "../subscription-store.ts";
import {
  deleteSubscription,
  normalised,
  redriveDeadLetters,
  seekSubscription,
  updateSubscription,
} from "./administration.ts";
import { Subscription, type SubscriptionParts } from "./subscription.ts";
import {
  draining,
  subscriptionExists,
  subscriptionLimit,
  subscriptionUnknown,
} from "./subscription-errors.ts";
import { decodeState, encodeState, type SubscriptionState } from "./subscription-state.ts";
import { TurnBudget } from "./turn-budget.ts";
import { UnsettledEvent } from "./unsettled-event.ts";
import { UnsettledSet } from "./unsettled-set.ts";

/** What an engine is made of. It closes neither the log nor the store. */
export interface SubscriptionEngineOptions {
  readonly log: EventLog;
  /** The store beside that log. */
  readonly store: SubscriptionStore;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly timer: ClockTimer;
  /** A new id for each session, which nobody can guess. */
  readonly newSessionId: () => string;
}

/**
 * The subscriptions of an embedded log. Loads what is stored; disposing of it
 * ends all sessions as drained and stores what is in memory only.
 *
 * @throws RangeError when a stored state cannot be read.
 */
export function createSubscriptionEngine(
  options: SubscriptionEngineOptions,
): SubscriptionEngine & AsyncDisposable {
  return new Engine(options);
}

class Engine implements SubscriptionEngine, AsyncDisposable {
  readonly #options: SubscriptionEngineOptions;
  readonly #parts: SubscriptionParts;
  readonly #subscriptions = new Map<string, Subscription>();
  /** Ids in order; undefined after a change. */
  #ids: string[] | undefined;
  readonly #reserved = new Set<string>();
  #isDraining = false;

  constructor(options: SubscriptionEngineOptions) {
    this.#options = options;
    const { log, store, now, timer } = options;
    this.#parts = { log, store, now, timer, budget: new TurnBudget() };
    for (const stored of store.load()) {
      this.#subscriptions.set(stored.id, restore(stored, this.#parts));
    }
  }

  async create(id: string, settings: SubscriptionSettings, position: number): Promise<SubscriptionRecord> {
    compileFilter(settings.filter);
    if (this.#subscriptions.has(id) || this.#reserved.has(id)) throw subscriptionExists();
    if (this.#subscriptions.size + this.#reserved.size >= MAX_SUBSCRIPTIONS) throw subscriptionLimit();
    this.#reserved.add(id);
    try {
      const state = newState(normalised(settings), position, Math.floor(this.#options.now()));
      await this.#options.store.commit([{ kind: "put", id, state: encodeState(state) }]);
      const subscription = new Subscription(id, state, 0, this.#parts);
      this.#subscriptions.set(id, subscription);
      this.#ids = undefined;
      return subscription.record;
    } finally {
      this.#reserved.delete(id);
    }
  }

  get(id: string): SubscriptionRecord {
    return this.#find(id).record;
  }

  list(afterId: string, limit: number): readonly SubscriptionRecord[] {
    this.#ids ??= [...this.#subscriptions.keys()].sort();
    const start = firstAfter(this.#ids, afterId);
    return this.#ids.slice(start, start + limit).map((id) => this.get(id));
  }

  async update(id: string, change: SettingsChange): Promise<SubscriptionRecord> {
    const subscription = this.#find(id);
    await updateSubscription(subscription, change);
    return subscription.record;
  }

  async delete(id: string): Promise<void> {
    const subscription = this.#find(id);
    await deleteSubscription(subscription);
    if (this.#subscriptions.get(id) !== subscription) throw subscriptionUnknown();
    this.#subscriptions.delete(id);
    this.#ids = undefined;
  }

  async seek(id: string, position: number): Promise<SubscriptionRecord> {
    const subscription = this.#find(id);
    await seekSubscription(subscription, position);
    return subscription.record;
  }

  async progress(id: string): Promise<SubscriptionProgress> {
    return this.#find(id).progress();
  }

  join(id: string, options: SessionOptions): SubscriptionSession {
    if (this.#isDraining) throw draining();
    return this.#find(id).join(this.#options.newSessionId(), options);
  }

  session(id: string, sessionId: string): SubscriptionSession {
    return this.#find(id).session(sessionId);
  }

  async deadLetters(
    id: string,
    after: number,
    options: { readonly limit: number; readonly maxBytes: number; readonly includeRaw: boolean },
  ): Promise<readonly DeadLetterRecord[]> {
    return this.#options.store.deadLetters(this.#find(id).id, after, options);
  }

  async redrive(id: string, sequences: readonly number[] | "all"): Promise<number> {
    return redriveDeadLetters(this.#find(id), sequences);
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    const subscriptions = [...this.#subscriptions.values()];
    await Promise.all(
      subscriptions.flatMap((s) => [...s.sessions.values()]).map((session) => session.end("DRAINED")),
    );
    await Promise.all(subscriptions.map((subscription) => subscription.pipeline.settled()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDraining = true;
    await Promise.all([...this.#subscriptions.values()].map((s) => s.close(draining(), false)));
  }

  #find(id: string): Subscription {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined || subscription.isClosed) throw subscriptionUnknown();
    return subscription;
  }
}

function newState(settings: SubscriptionSettings, position: number, timeMs: number): SubscriptionState {
  return {
    settings,
    createTimeMs: timeMs,
    updateTimeMs: timeMs,
    filterFrom: position,
    position,
    gap: undefined,
    unsettled: new UnsettledSet(false),
    redriven: new UnsettledSet(true),
  };
}

/** What the store says of redriven dead letters counts; the state knows only how they have fared. */
function restore(stored: StoredSubscription, parts: SubscriptionParts): Subscription {
  const state = decodeState(stored.state);
  const redriven = new UnsettledSet(true);
  for (const sequence of stored.redriven) {
    redriven.add(state.redriven.get(sequence) ?? new UnsettledEvent(sequence, true, undefined));
  }
  return new Subscription(stored.id, { ...state, redriven }, stored.deadLetters, parts);
}

function firstAfter(ids: readonly string[], afterId: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] ?? "") <= afterId) low = middle + 1;
    else high = middle;
  }
  return low;
}
