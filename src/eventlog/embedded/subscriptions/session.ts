import type {
  SessionEnd,
  SessionOptions,
  Settlement,
  SettlementResult,
  SubscriptionProgress,
  SubscriptionSession,
  TakeOptions,
  TakeResult,
} from "../../subscription-engine.ts";
import { FailedDelivery } from "./failed-delivery.ts";
import { SettlementStep } from "./settlement-step.ts";
import type { Subscription } from "./subscription.ts";
import { sessionEnded } from "./subscription-errors.ts";
import { type DeliveryFailure, Phase, type UnsettledEvent } from "./unsettled-event.ts";

interface NotHeld {
  readonly eventId: string;
  readonly reason: "NOT_HELD";
}

/** See {@link SubscriptionSession}. */
export class Session implements SubscriptionSession {
  readonly id: string;
  readonly options: SessionOptions;
  /** Held events by public id, in the order in which they were handed over. */
  readonly held = new Map<string, UnsettledEvent>();
  /** How the deliveries failed that were still held at the end; undefined when that counts nothing. */
  endFailure: DeliveryFailure | undefined = undefined;
  readonly #subscription: Subscription;
  readonly #ended = new AbortController();
  #leaseEnd = 0;
  #holds = 0;
  #lastSettlement: Promise<unknown> = Promise.resolve();
  /** The last settlement that waits for one before; those that come meanwhile wait behind it. */
  #waiting: Promise<void> | undefined;

  constructor(subscription: Subscription, id: string, options: SessionOptions) {
    this.#subscription = subscription;
    this.id = id;
    this.options = options;
    this.renew();
  }

  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  get leaseExpiresAtMs(): number {
    const { now, timer } = this.#subscription;
    const left = this.#holds > 0 ? this.options.leaseMs : Math.max(0, this.#leaseEnd - timer.now());
    return Math.floor(now() + left);
  }

  /** When the lease ends on the timer's clock; Infinity while it is kept from running out. */
  get leaseEnd(): number {
    return this.#holds > 0 ? Number.POSITIVE_INFINITY : this.#leaseEnd;
  }

  async take(options: TakeOptions): Promise<TakeResult> {
    return this.#subscription.take(this, options);
  }

  waitForWork(signal: AbortSignal): Promise<void> {
    return this.#subscription.waitForWork(this, signal);
  }

  async settle(settlement: Settlement): Promise<SettlementResult> {
    this.ended.throwIfAborted();
    this.renew();
    if (this.#waiting !== undefined || this.#namesUnderway(settlement)) {
      await this.#turnOf(settlement);
      this.ended.throwIfAborted();
    }
    const failures: NotHeld[] = [];
    const acks: UnsettledEvent[] = [];
    for (const id of settlement.ackIds) this.#choose(id, acks, failures);
    if (settlement.ackThrough !== undefined) this.#chooseThrough(settlement.ackThrough, acks, failures);
    const nacks: FailedDelivery[] = [];
    for (const { ids, delayMs } of settlement.nacks) {
      const events: UnsettledEvent[] = [];
      for (const id of ids) this.#choose(id, events, failures);
      for (const event of events) nacks.push(new FailedDelivery(event, "NACK", delayMs));
    }
    if (acks.length + nacks.length === 0) return { acked: 0, nacked: 0, failures };
    const step = new SettlementStep(this.#subscription, acks, nacks, failures);
    this.#lastSettlement = step.result;
    this.#subscription.pipeline.add(step);
    return step.result;
  }

  release(sequences: readonly number[]): void {
    const wanted = new Set(sequences);
    for (const event of [...this.held.values()]) {
      if (event.phase !== Phase.HELD || !wanted.has(event.sequence)) continue;
      this.#subscription.release(event);
      this.#subscription.ledger.putBack(event);
    }
    this.#subscription.wake();
  }

  renew(leaseMs: number = this.options.leaseMs): void {
    if (this.ended.aborted) return;
    this.#leaseEnd = this.#subscription.timer.now() + leaseMs;
    if (this.#holds === 0) this.#subscription.alarm.by(this.#leaseEnd);
  }

  hold(): Disposable {
    this.#holds++;
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        if (--this.#holds > 0) return;
        // A longer lease that was asked for meanwhile stays.
        const left = this.#leaseEnd - this.#subscription.timer.now();
        this.renew(Math.max(left, this.options.leaseMs));
      },
    };
  }

  progress(): Promise<SubscriptionProgress> {
    return this.#subscription.progress(this);
  }

  end(how: SessionEnd): Promise<void> {
    const failure = how === "CONNECTION_LOST" ? how : undefined;
    return this.#subscription.endSession(this, failure, sessionEnded(how));
  }

  /** The session now holds an event, or holds it again. */
  keep(event: UnsettledEvent): void {
    event.phase = Phase.HELD;
    event.holder = this;
    this.held.set(event.id, event);
  }

  /** Marks the session as ended. */
  abort(reason: Error): void {
    this.#ended.abort(reason);
  }

  /** Resolves when the calls before have chosen their events, and nothing that is named is being stored. */
  #turnOf(settlement: Settlement): Promise<void> {
    const wait = async (before: Promise<void> | undefined): Promise<void> => {
      await before;
      while (this.#namesUnderway(settlement)) await this.#lastSettlement;
      if (this.#waiting === turn) this.#waiting = undefined;
    };
    const turn = wait(this.#waiting);
    this.#waiting = turn;
    return turn;
  }

  #choose(id: string, chosen: UnsettledEvent[], failures: NotHeld[]): void {
    const event = this.held.get(id);
    if (event?.phase !== Phase.HELD) failures.push({ eventId: id, reason: "NOT_HELD" });
    else {
      event.phase = Phase.SETTLING;
      chosen.push(event);
    }
  }

  /**
   * Whoever has read an event has read what was handed over before it, and
   * maybe nothing else: a redelivery with a lower sequence can still be on its way.
   */
  #chooseThrough(sequence: number, chosen: UnsettledEvent[], failures: NotHeld[]): void {
    const before: UnsettledEvent[] = [];
    for (const event of this.held.values()) {
      if (event.phase === Phase.HELD) before.push(event);
      if (event.sequence !== sequence) continue;
      for (const one of before) {
        one.phase = Phase.SETTLING;
        chosen.push(one);
      }
      return;
    }
    failures.push({ eventId: "", reason: "NOT_HELD" });
  }

  /** Whether events are named whose settlement is being stored: how that ends decides what to answer. */
  #namesUnderway({ ackIds, nacks }: Settlement): boolean {
    const isUnderway = (id: string): boolean => this.held.get(id)?.phase === Phase.SETTLING;
    return ackIds.some(isUnderway) || nacks.some(({ ids }) => ids.some(isUnderway));
  }
}
