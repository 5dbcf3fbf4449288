import { MAX_DEAD_LETTERS } from "../../subscription-engine.ts";
import type { SubscriptionCommit } from "../subscription-store.ts";
import { backoffMs } from "./backoff.ts";
import type { CommitContext } from "./commit-pipeline.ts";
import type { Subscription } from "./subscription.ts";
import { type DeliveryFailure, Phase, type UnsettledEvent } from "./unsettled-event.ts";

/** Shortest wait of an event that finds no room among the dead letters. */
const MIN_DOOMED_WAIT_MS = 1_000;

interface Before {
  readonly attempts: number;
  readonly failure: DeliveryFailure | undefined;
  readonly doomed: boolean;
  readonly notBeforeMs: number;
  readonly due: number;
}

/** One failed delivery on its way into the state: counted, or the event's last. */
export class FailedDelivery {
  readonly event: UnsettledEvent;
  readonly #failure: DeliveryFailure;
  readonly #delayMs: number | undefined;
  #before: Before | undefined;
  #isBuried = false;

  /** `delayMs` is what a nack asks for. An event that is doomed already is not counted again. */
  constructor(event: UnsettledEvent, failure: DeliveryFailure, delayMs?: number) {
    this.event = event;
    this.#failure = failure;
    this.#delayMs = delayMs;
  }

  /** Whether the event may become a dead letter. */
  mayDie(subscription: Subscription): boolean {
    return this.event.doomed || this.event.attempts + 1 >= subscription.settings.maxAttempts;
  }

  /** Takes effect in memory. Does nothing when the event was forgotten meanwhile. */
  apply(subscription: Subscription, context: CommitContext): void {
    const { event } = this;
    if (event.phase === Phase.GONE) return;
    const { attempts, failure, doomed, notBeforeMs, due } = event;
    this.#before = { attempts, failure, doomed, notBeforeMs, due };
    if (!doomed) {
      event.attempts++;
      event.failure = this.#failure;
      event.doomed = event.attempts >= subscription.settings.maxAttempts;
    }
    if (event.doomed && this.#bury(subscription, context)) return;
    const backoff = backoffMs(subscription.settings, event.attempts, event.failure ?? this.#failure);
    const wait = event.doomed ? Math.max(backoff, MIN_DOOMED_WAIT_MS) : (this.#delayMs ?? backoff);
    event.notBeforeMs = wait === 0 ? 0 : Math.ceil(subscription.now() + wait);
    event.due = wait === 0 ? 0 : subscription.timer.now() + wait;
    subscription.ledger.setOf(event).touch(event);
  }

  /** Takes {@link apply} back. */
  undo(subscription: Subscription): void {
    if (this.#before === undefined) return;
    Object.assign(this.event, this.#before);
    this.#before = undefined;
    if (this.#isBuried) subscription.ledger.setOf(this.event).add(this.event);
    else subscription.ledger.setOf(this.event).touch(this.event);
    this.#isBuried = false;
  }

  /** The failure is durable. Returns whether the event still is there, and comes again. */
  committed(subscription: Subscription, result: SubscriptionCommit, context: CommitContext): boolean {
    if (!this.#isBuried) return this.#before !== undefined;
    const { sequence, redriven } = this.event;
    if (result.missing.includes(sequence)) subscription.ledger.noteGap(sequence - 1, sequence);
    else if (!context.known.has(sequence)) subscription.deadLetters++;
    if (!redriven) subscription.ledger.forgetRedriven(sequence);
    return false;
  }

  #bury(subscription: Subscription, context: CommitContext): boolean {
    const { event } = this;
    const isNew = !context.known.has(event.sequence);
    if (isNew && subscription.deadLetters + context.added >= MAX_DEAD_LETTERS) return false;
    if (isNew) context.added++;
    context.changes.push({
      kind: "bury",
      id: subscription.id,
      sequence: event.sequence,
      attempts: event.attempts,
      deadTimeMs: Math.floor(subscription.now()),
      failure: event.failure ?? this.#failure,
    });
    subscription.ledger.setOf(event).remove(event);
    this.#isBuried = true;
    return true;
  }
}
