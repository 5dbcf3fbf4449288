import type { ServiceError } from "../../../errors.ts";
import type { SubscriptionCommit } from "../subscription-store.ts";
import type { CommitContext, CommitStep } from "./commit-pipeline.ts";
import type { FailedDelivery } from "./failed-delivery.ts";
import type { Subscription } from "./subscription.ts";
import { Phase } from "./unsettled-event.ts";

/** Counts deliveries that failed without a word of the consumer, all of them COUNTING, and buries what is doomed. */
export class CountStep implements CommitStep {
  readonly isAlone = false;
  /** Resolves when the first commit with it is done, however that went. Never rejects. */
  readonly done: Promise<void>;
  readonly #subscription: Subscription;
  readonly #failed: readonly FailedDelivery[];
  readonly #resolve: () => void;

  constructor(subscription: Subscription, failed: readonly FailedDelivery[]) {
    this.#subscription = subscription;
    this.#failed = failed;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.done = promise;
    this.#resolve = resolve;
  }

  dying(): number[] {
    return this.#failed.filter((f) => f.mayDie(this.#subscription)).map((f) => f.event.sequence);
  }

  apply(context: CommitContext): void {
    for (const failed of this.#failed) failed.apply(this.#subscription, context);
  }

  committed(result: SubscriptionCommit, context: CommitContext): void {
    for (const failed of this.#failed) {
      if (failed.event.phase === Phase.GONE) continue;
      if (failed.committed(this.#subscription, result, context))
        this.#subscription.ledger.putBack(failed.event);
      else this.#subscription.ledger.queue.settle(failed.event);
    }
    this.#resolve();
  }

  /** What could not be counted is not delivered, and counted later. */
  failed(_error: ServiceError, _context: CommitContext | undefined): void {
    for (const failed of this.#failed) failed.undo(this.#subscription);
    this.#subscription.counter.countLater(this.#failed.filter(({ event }) => event.phase !== Phase.GONE));
    this.#resolve();
  }
}
