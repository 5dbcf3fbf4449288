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
import { MinHeap } from "./min-heap.ts";
import { SettlementStep } from "./settlement-step.ts";
import type { Subscription } from "./subscription.ts";
import { sessionEnded } from "./subscription-errors.ts";
import { type DeliveryFailure, Phase, type UnsettledEvent } from "./unsettled-event.ts";

/** Entries of the order that may be stale beside those of held events. */
const STALE_ORDER_ENTRIES = 64;

/** See {@link SubscriptionSession}. */
export class Session implements SubscriptionSession {
  readonly id: string;
  readonly options: SessionOptions;
  /** Held events by public id. */
  readonly held = new Map<string, UnsettledEvent>();
  /** How the deliveries failed that were still held at the end; undefined when that counts nothing. */
  endFailure: DeliveryFailure | undefined = undefined;
  readonly #subscription: Subscription;
  readonly #ended = new AbortController();
  /** Held events by sequence; holds those too that were settled by id, until it is made anew. */
  #order = newOrder();
  #leaseEnd = 0;
  #holds = 0;
  #lastSettlement: Promise<unknown> = Promise.resolve();

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
    while (this.#namesUnderway(settlement)) {
      await this.#lastSettlement;
      this.ended.throwIfAborted();
    }
    const failures: { eventId: string; reason: "NOT_HELD" }[] = [];
    const acks: UnsettledEvent[] = [];
    for (const id of settlement.ackIds) this.#choose(id, acks, failures);
    if (settlement.ackThrough !== undefined) this.#chooseThrough(settlement.ackThrough, acks);
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
    this.#order.push(event);
    if (this.#order.size > 2 * this.held.size + STALE_ORDER_ENTRIES) this.#renewOrder();
  }

  /** Marks the session as ended. */
  abort(reason: Error): void {
    this.#ended.abort(reason);
  }

  #choose(id: string, chosen: UnsettledEvent[], failures: { eventId: string; reason: "NOT_HELD" }[]): void {
    const event = this.held.get(id);
    if (event?.phase !== Phase.HELD) failures.push({ eventId: id, reason: "NOT_HELD" });
    else {
      event.phase = Phase.SETTLING;
      chosen.push(event);
    }
  }

  #chooseThrough(sequence: number, chosen: UnsettledEvent[]): void {
    for (let event = this.#order.peek(); event !== undefined; event = this.#order.peek()) {
      if (event.sequence > sequence) return;
      this.#order.pop();
      if (event.holder !== this || event.phase !== Phase.HELD) continue;
      event.phase = Phase.SETTLING;
      chosen.push(event);
    }
  }

  /** Whether events are named whose settlement is being stored: how that ends decides what to answer. */
  #namesUnderway({ ackIds, nacks }: Settlement): boolean {
    const isUnderway = (id: string): boolean => this.held.get(id)?.phase === Phase.SETTLING;
    return ackIds.some(isUnderway) || nacks.some(({ ids }) => ids.some(isUnderway));
  }

  #renewOrder(): void {
    this.#order = newOrder();
    for (const event of this.held.values()) this.#order.push(event);
  }
}

function newOrder(): MinHeap<UnsettledEvent> {
  return new MinHeap((event) => event.sequence);
}
