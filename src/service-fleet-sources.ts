import { subscriptionUnknown } from "./eventlog/embedded/subscriptions/subscription-errors.ts";
import type { SubmissionStore } from "./eventlog/submission-store.ts";
import type {
  SubscriptionEngine,
  SubscriptionProgress,
  SubscriptionRecord,
} from "./eventlog/subscription-engine.ts";
import type { RunningOutbox } from "./outbox/create-outbox.ts";
import type { OutboxState } from "./outbox/outbox-options.ts";

/** What the metrics read of the units that this process owns at the moment. */
export class FleetMetricsSources {
  readonly subscriptions = new OwnedSubscriptions();
  readonly outbox = new OwnedOutbox();
}

/** The subscriptions that are open here, as if they were of one engine. */
export class OwnedSubscriptions implements Pick<SubscriptionEngine, "list" | "progress"> {
  readonly #engines = new Set<SubscriptionEngine>();

  /** Until it is disposed of. */
  add(engine: SubscriptionEngine): Disposable {
    this.#engines.add(engine);
    return { [Symbol.dispose]: () => void this.#engines.delete(engine) };
  }

  list(afterId: string, limit: number): readonly SubscriptionRecord[] {
    const all = [...this.#engines].flatMap((engine) => engine.list(afterId, limit));
    return all.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit);
  }

  async progress(id: string): Promise<SubscriptionProgress> {
    for (const engine of this.#engines) {
      if (engine.list("", 1)[0]?.id === id) return engine.progress(id);
    }
    throw subscriptionUnknown();
  }
}

/** The outbox while it is open here. */
export class OwnedOutbox {
  #outbox: RunningOutbox | undefined;
  #store: SubmissionStore | undefined;

  /** Until what is returned is disposed of. */
  opened(outbox: RunningOutbox, store: SubmissionStore): Disposable {
    this.#outbox = outbox;
    this.#store = store;
    return { [Symbol.dispose]: () => this.#closed(outbox) };
  }

  /** Undefined while another process has it. */
  state(): OutboxState | undefined {
    return this.#outbox?.state();
  }

  async nextDue(afterMs: number): Promise<number | undefined> {
    return this.#store?.nextDue(afterMs);
  }

  #closed(outbox: RunningOutbox): void {
    if (this.#outbox !== outbox) return;
    this.#outbox = undefined;
    this.#store = undefined;
  }
}
