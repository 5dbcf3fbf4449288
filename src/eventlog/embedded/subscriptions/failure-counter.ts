import { CountStep } from "./count-step.ts";
import { FailedDelivery } from "./failed-delivery.ts";
import type { Subscription } from "./subscription.ts";
import { type DeliveryFailure, Phase, type UnsettledEvent } from "./unsettled-event.ts";

/** Wait before what could not be counted is counted again, in milliseconds. */
const RETRY_DELAY_MS = 1_000;

/** Sees to it that each failed delivery is counted, before the event is delivered again. */
export class FailureCounter {
  readonly #subscription: Subscription;
  #left: FailedDelivery[] = [];
  #retryAt = Number.POSITIVE_INFINITY;

  constructor(subscription: Subscription) {
    this.#subscription = subscription;
  }

  /** When it wants to try again, on the timer's clock; Infinity when nothing is left. */
  get retryAt(): number {
    return this.#retryAt;
  }

  /** Counts events that nobody holds any more. Resolves when the first commit with them is done, however that went. Never rejects. */
  count(events: readonly UnsettledEvent[], failure: DeliveryFailure): Promise<void> {
    for (const event of events) event.phase = Phase.COUNTING;
    return this.#add(events.map((event) => new FailedDelivery(event, failure)));
  }

  /** Tries to bury what found no room among the dead letters. */
  buryAgain(events: readonly UnsettledEvent[]): void {
    for (const event of events) this.#subscription.ledger.doomed.delete(event);
    // The failure is known; that of the event itself is what counts.
    void this.count(events, "NACK");
  }

  /** Counts again, later, what could not be counted. */
  countLater(failed: readonly FailedDelivery[]): void {
    if (failed.length === 0) return;
    for (const delivery of failed) this.#left.push(delivery);
    this.#retryAt = this.#subscription.timer.now() + RETRY_DELAY_MS;
    this.#subscription.alarm.by(this.#retryAt);
  }

  /** Counts what is left. */
  retry(): Promise<void> {
    this.#retryAt = Number.POSITIVE_INFINITY;
    return this.#add(this.#left.splice(0));
  }

  /** Forgets what is left, with its events. */
  clear(): void {
    this.#left = [];
    this.#retryAt = Number.POSITIVE_INFINITY;
  }

  #add(failed: readonly FailedDelivery[]): Promise<void> {
    if (failed.length === 0) return Promise.resolve();
    const step = new CountStep(this.#subscription, failed);
    this.#subscription.pipeline.add(step);
    return step.done;
  }
}
