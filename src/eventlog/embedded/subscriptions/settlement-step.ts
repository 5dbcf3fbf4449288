import type { ServiceError } from "../../../errors.ts";
import type { SettlementResult } from "../../subscription-engine.ts";
import type { SubscriptionCommit } from "../subscription-store.ts";
import type { CommitContext, CommitStep } from "./commit-pipeline.ts";
import type { FailedDelivery } from "./failed-delivery.ts";
import type { Subscription } from "./subscription.ts";
import { Phase, type UnsettledEvent } from "./unsettled-event.ts";

type Failure = SettlementResult["failures"][number];

/** What a consumer settles at one time, all of it SETTLING. */
export class SettlementStep implements CommitStep {
  readonly isAlone = false;
  /** Resolves once the result is durable, or could not be stored. Never rejects. */
  readonly result: Promise<SettlementResult>;
  readonly #subscription: Subscription;
  readonly #acks: readonly UnsettledEvent[];
  readonly #nacks: readonly FailedDelivery[];
  /** Events that were named and are not held. */
  readonly #failures: Failure[];
  readonly #resolve: (result: SettlementResult) => void;

  constructor(
    subscription: Subscription,
    acks: readonly UnsettledEvent[],
    nacks: readonly FailedDelivery[],
    failures: Failure[],
  ) {
    this.#subscription = subscription;
    this.#acks = acks;
    this.#nacks = nacks;
    this.#failures = failures;
    const { promise, resolve } = Promise.withResolvers<SettlementResult>();
    this.result = promise;
    this.#resolve = resolve;
  }

  dying(): number[] {
    return this.#nacks.filter((nack) => nack.mayDie(this.#subscription)).map((nack) => nack.event.sequence);
  }

  apply(context: CommitContext): void {
    const redriven: number[] = [];
    for (const event of this.#acks) {
      if (event.phase === Phase.GONE) continue;
      this.#subscription.ledger.setOf(event).remove(event);
      if (event.redriven) redriven.push(event.sequence);
    }
    if (redriven.length > 0) {
      context.changes.push({ kind: "settle", id: this.#subscription.id, sequences: redriven });
    }
    for (const nack of this.#nacks) nack.apply(this.#subscription, context);
  }

  committed(result: SubscriptionCommit, context: CommitContext): void {
    const subscription = this.#subscription;
    let acked = 0;
    let nacked = 0;
    for (const event of this.#acks) {
      if (event.phase === Phase.GONE) this.#notHeld(event);
      else {
        acked++;
        subscription.release(event);
        subscription.ledger.queue.settle(event);
        if (event.redriven) subscription.deadLetters--;
      }
    }
    for (const nack of this.#nacks) {
      const { event } = nack;
      if (event.phase === Phase.GONE) this.#notHeld(event);
      else {
        nacked++;
        subscription.release(event);
        if (nack.committed(subscription, result, context)) subscription.ledger.putBack(event);
        else subscription.ledger.queue.settle(event);
      }
    }
    this.#resolve({ acked, nacked, failures: this.#failures });
  }

  failed(_error: ServiceError, context: CommitContext | undefined): void {
    for (const event of this.#acks) {
      if (context !== undefined && event.phase !== Phase.GONE)
        this.#subscription.ledger.setOf(event).add(event);
      this.#stillHeld(event);
    }
    for (const nack of this.#nacks) {
      nack.undo(this.#subscription);
      this.#stillHeld(nack.event);
    }
    this.#resolve({ acked: 0, nacked: 0, failures: this.#failures });
  }

  #stillHeld(event: UnsettledEvent): void {
    if (event.phase === Phase.GONE) {
      this.#notHeld(event);
      return;
    }
    this.#failures.push({ eventId: event.id, reason: "LOG_UNAVAILABLE" });
    this.#subscription.holdAgain(event);
  }

  #notHeld(event: UnsettledEvent): void {
    this.#failures.push({ eventId: event.id, reason: "NOT_HELD" });
  }
}
