import { Alarm } from "../../../alarm.ts";
import type { ServiceError } from "../../../errors.ts";
import type { ClockTimer } from "../../../timer.ts";
import type { EventLog } from "../../event-log.ts";
import { compileFilter, type EventPredicate } from "../../filter.ts";
import {
  MAX_SESSIONS,
  type SessionOptions,
  type SubscriptionProgress,
  type SubscriptionRecord,
  type SubscriptionSettings,
  type TakeOptions,
  type TakeResult,
} from "../../subscription-engine.ts";
import type { SubscriptionStore } from "../subscription-store.ts";
import { CommitPipeline } from "./commit-pipeline.ts";
import { FailureCounter } from "./failure-counter.ts";
import { Ledger } from "./ledger.ts";
import { ProgressReport } from "./progress-report.ts";
import { Session } from "./session.ts";
import { consumerLimit, leaseExpired, sessionUnknown } from "./subscription-errors.ts";
import { encodeState, type SubscriptionState } from "./subscription-state.ts";
import { Takes } from "./takes.ts";
import type { TurnBudget } from "./turn-budget.ts";
import { TurnLock } from "./turn-lock.ts";
import { type DeliveryFailure, Phase, type UnsettledEvent } from "./unsettled-event.ts";
import { WorkWaiters } from "./work-waiters.ts";

/** Longest time that progress without a settlement stays in memory only, in milliseconds. */
const PERSIST_DELAY_MS = 1_000;

/** What a subscription is made of. */
export interface SubscriptionParts {
  readonly log: EventLog;
  readonly store: SubscriptionStore;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly timer: ClockTimer;
  readonly budget: TurnBudget;
}

/**
 * Coordinates the consumers of one subscription. Of an unsettled event it
 * keeps numbers and its key, never the bytes. What a settlement or a failed
 * delivery changes goes through the pipeline; what only moves events between
 * sessions and the queue happens in memory.
 */
export class Subscription {
  readonly id: string;
  readonly log: EventLog;
  readonly store: SubscriptionStore;
  readonly now: () => number;
  readonly timer: ClockTimer;
  readonly alarm: Alarm;
  readonly pipeline: CommitPipeline;
  readonly ledger: Ledger;
  readonly counter: FailureCounter;
  readonly sessions = new Map<string, Session>();
  settings: SubscriptionSettings;
  predicate: EventPredicate | undefined;
  filterFrom: number;
  updateTimeMs: number;
  readonly createTimeMs: number;
  /** Dead letters, redriven ones included. */
  deadLetters: number;
  /** Events that sessions hold. */
  inFlight = 0;
  readonly #takes: Takes;
  readonly #lock = new TurnLock();
  readonly #closed = new AbortController();
  readonly #waiters: WorkWaiters;
  readonly #report = new ProgressReport(this);
  #persistAt = Number.POSITIVE_INFINITY;
  #isWatching = false;
  #isWritable = true;
  #isReadable = true;
  #storedSettledTo: number;
  #encodedSettledTo: number;

  constructor(id: string, state: SubscriptionState, deadLetters: number, parts: SubscriptionParts) {
    this.id = id;
    this.log = parts.log;
    this.store = parts.store;
    this.now = parts.now;
    this.timer = parts.timer;
    this.settings = state.settings;
    this.predicate = compileFilter(state.settings.filter);
    this.filterFrom = state.filterFrom;
    this.createTimeMs = state.createTimeMs;
    this.updateTimeMs = state.updateTimeMs;
    this.deadLetters = deadLetters;
    this.alarm = new Alarm(parts.timer, () => this.#onAlarm());
    this.counter = new FailureCounter(this);
    this.ledger = new Ledger(state, {
      ...parts,
      id,
      onChange: () => this.#persistLater(),
      onDelay: (due) => this.alarm.by(due),
    });
    this.#storedSettledTo = this.ledger.settledTo;
    this.#encodedSettledTo = this.ledger.settledTo;
    this.pipeline = new CommitPipeline(parts.store, {
      id,
      putState: (changes) => changes.push({ kind: "put", id, state: this.encode() }),
      onCommit: (error) => this.#onCommit(error),
    });
    this.#waiters = new WorkWaiters({
      amount: () => this.ledger.workAmount,
      isFor: (session) => this.#takes.hasWorkFor(session),
    });
    this.#takes = new Takes(this, { budget: parts.budget, waiters: this.#waiters });
  }

  get record(): SubscriptionRecord {
    const { id, settings, createTimeMs, updateTimeMs, filterFrom } = this;
    return { id, settings, createTimeMs, updateTimeMs, filterFrom };
  }

  /** {@link Ledger.settledTo} as it is stored: what was told never goes back, whatever happens. */
  get storedSettledTo(): number {
    return this.#storedSettledTo;
  }

  /** Whether the last read went well. */
  get isReadable(): boolean {
    return this.#isReadable;
  }

  /** Whether the last write or the last read has failed. */
  get isTroubled(): boolean {
    return !this.#isWritable || !this.#isReadable;
  }

  get isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  /** The state to be stored, as it stands or with some of it replaced. */
  encode(replaced: Partial<SubscriptionState> = {}): Uint8Array {
    const { settings, createTimeMs, updateTimeMs, filterFrom } = this;
    const { position, gap, unsettled, redriven } = this.ledger;
    const own = { settings, createTimeMs, updateTimeMs, filterFrom, position, gap, unsettled, redriven };
    const state: SubscriptionState = { ...own, ...replaced };
    const { first } = state.unsettled;
    this.#encodedSettledTo = first === undefined ? state.position : first.sequence - 1;
    this.#persistAt = Number.POSITIVE_INFINITY;
    return encodeState(state);
  }

  /** Runs work while no event is being taken. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#lock.run(work);
  }

  join(id: string, options: SessionOptions): Session {
    if (this.sessions.size >= MAX_SESSIONS) throw consumerLimit();
    const session = new Session(this, id, options);
    this.sessions.set(id, session);
    return session;
  }

  session(id: string): Session {
    const session = this.sessions.get(id);
    if (session === undefined) throw sessionUnknown();
    return session;
  }

  take(session: Session, options: TakeOptions): Promise<TakeResult> {
    return this.#takes.take(session, options);
  }

  waitForWork(session: Session, signal: AbortSignal): Promise<void> {
    const wait = this.#waiters.wait(session, signal);
    this.#watchLog();
    return wait;
  }

  /** Ends a session; with a failure each event that it holds counts one. */
  endSession(session: Session, failure: DeliveryFailure | undefined, reason: Error): Promise<void> {
    if (session.ended.aborted) return Promise.resolve();
    this.sessions.delete(session.id);
    this.#waiters.came(session);
    session.endFailure = failure;
    const events = [...session.held.values()].filter(({ phase }) => phase === Phase.HELD);
    for (const event of events) this.release(event);
    if (failure === undefined) for (const event of events) this.ledger.putBack(event);
    const counted = failure === undefined ? Promise.resolve() : this.counter.count(events, failure);
    session.abort(reason);
    this.wake();
    return counted;
  }

  /** Takes an event from the session that holds it. */
  release(event: UnsettledEvent): void {
    event.holder?.held.delete(event.id);
    event.holder = undefined;
    this.inFlight--;
  }

  /** A settlement could not be stored: the session holds the event as before, or what its end means happens. */
  holdAgain(event: UnsettledEvent): void {
    const { holder } = event;
    if (holder === undefined) return;
    if (!holder.ended.aborted) {
      holder.keep(event);
      return;
    }
    this.release(event);
    if (holder.endFailure === undefined) this.ledger.putBack(event);
    else void this.counter.count([event], holder.endFailure);
  }

  /** Goes on after a position and forgets what is in flight or waiting. */
  restartFrom(position: number): void {
    for (const session of this.sessions.values()) session.held.clear();
    this.inFlight = 0;
    this.counter.clear();
    this.ledger.restartFrom(position);
  }

  progress(session?: Session): Promise<SubscriptionProgress> {
    return this.#report.make(session);
  }

  /** Brings the delays up to date. */
  promote(): void {
    const doomed = this.ledger.queue.promote(this.timer.now());
    if (doomed.length > 0) this.counter.buryAgain(doomed);
  }

  /** Whether something may be delivered or is just being stored, so that nothing is in the way. */
  isWorkLeft(): boolean {
    this.promote();
    return this.ledger.hasWork || !this.pipeline.isIdle;
  }

  /** Whether the last read went well. */
  noteReading(wentWell: boolean): void {
    this.#isReadable = wentWell;
  }

  /** Looks again for what may be delivered. */
  wake(): void {
    this.#waiters.wake();
    this.#watchLog();
  }

  /** Ends the sessions with a reason, counting nothing, and stops. What is in memory only is stored, unless the subscription is gone. */
  async close(reason: Error, isGone: boolean): Promise<void> {
    this.#closed.abort();
    await Promise.all([...this.sessions.values()].map((s) => this.endSession(s, undefined, reason)));
    if (!isGone) {
      await this.counter.retry();
      await this.pipeline.settled();
      if (this.#persistAt < Number.POSITIVE_INFINITY) this.#persist();
      await this.pipeline.settled();
    }
    this.alarm.stop();
  }

  /** Wakes those who wait when the log grows. One wait at a time for all of them. */
  #watchLog(): void {
    if (this.#isWatching || this.#waiters.size === 0 || this.isClosed) return;
    this.#isWatching = true;
    const { head } = this.log.bounds();
    void this.log.waitPast(head, this.#closed.signal).then(() => {
      this.#isWatching = false;
      // A log that is closed lets everyone go without growing.
      if (this.log.bounds().head > head) this.wake();
    });
  }

  #persistLater(): void {
    if (this.#persistAt < Number.POSITIVE_INFINITY) return;
    this.#persistAt = this.timer.now() + PERSIST_DELAY_MS;
    this.alarm.by(this.#persistAt);
  }

  #persist(): void {
    this.#persistAt = Number.POSITIVE_INFINITY;
    this.pipeline.add({ isAlone: false, apply: ignore, committed: ignore, failed: ignore });
  }

  #onCommit(error: ServiceError | undefined): void {
    this.#isWritable = error === undefined;
    if (error === undefined) this.#storedSettledTo = this.#encodedSettledTo;
    else {
      this.#encodedSettledTo = this.#storedSettledTo;
      this.#persistLater();
    }
    this.wake();
  }

  #onAlarm(): void {
    const now = this.timer.now();
    for (const session of this.sessions.values()) {
      if (session.leaseEnd <= now) void this.endSession(session, "LEASE_EXPIRED", leaseExpired());
    }
    this.promote();
    if (this.counter.retryAt <= now) void this.counter.retry();
    if (this.#persistAt <= now) this.#persist();
    let next = Math.min(this.counter.retryAt, this.#persistAt, this.ledger.queue.nextDue);
    for (const session of this.sessions.values()) next = Math.min(next, session.leaseEnd);
    if (next < Number.POSITIVE_INFINITY) this.alarm.by(next);
    this.wake();
  }
}

function ignore(): void {}
