import type { BatchObservableResult, Meter } from "@opentelemetry/api";
import {
  MAX_SUBSCRIPTIONS,
  type SubscriptionEngine,
  type SubscriptionProgress,
} from "../eventlog/subscription-engine.ts";

/** What is read of the subscriptions. */
export type ObservedSubscriptions = Pick<SubscriptionEngine, "list" | "progress">;

/** Tells how far each subscription has come, as it is at the moment of the scrape. */
export class SubscriptionMetrics {
  readonly #now: () => number;
  #subscriptions: ObservedSubscriptions | undefined;

  /** `now` tells Unix milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The subscriptions can be read. */
  observe(subscriptions: ObservedSubscriptions): void {
    this.#subscriptions = subscriptions;
  }

  /** Makes the instruments. */
  register(meter: Meter): void {
    const gauge = (name: string, description: string) =>
      meter.createObservableGauge(`infobip_rpc_subscription_${name}`, { description });
    const lagEvents = gauge(
      "lag_events",
      "Events that are not settled: in flight, waiting, or not examined yet.",
    );
    const lagSeconds = gauge(
      "lag_seconds",
      "Age of the oldest event that is not settled; 0 when there is none.",
    );
    const deadLetters = gauge("dead_letters", "Events that failed too often and are kept aside.");
    const inFlight = gauge("in_flight", "Events that consumers hold now.");
    const consumers = gauge("consumers", "Sessions that are open.");
    const read = async (result: BatchObservableResult) => {
      for (const { id } of this.#subscriptions?.list("", MAX_SUBSCRIPTIONS) ?? []) {
        const progress = await this.#progressOf(id);
        if (!progress) continue;
        const labels = { subscription: id };
        const { oldestTimeMs } = progress;
        const lagMs = oldestTimeMs === undefined ? 0 : Math.max(0, this.#now() - oldestTimeMs);
        result.observe(lagEvents, progress.lagEvents, labels);
        result.observe(lagSeconds, lagMs / 1_000, labels);
        result.observe(deadLetters, progress.deadLetters, labels);
        result.observe(inFlight, progress.inFlight, labels);
        result.observe(consumers, progress.consumers, labels);
      }
    };
    meter.addBatchObservableCallback(read, [lagEvents, lagSeconds, deadLetters, inFlight, consumers]);
  }

  /** Undefined for one that was deleted in the meantime, or cannot be read. */
  async #progressOf(id: string): Promise<SubscriptionProgress | undefined> {
    try {
      return await this.#subscriptions?.progress(id);
    } catch {
      return undefined;
    }
  }
}
