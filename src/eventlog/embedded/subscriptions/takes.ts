import { ensureServiceError } from "../../../errors.ts";
import type { TakeOptions, TakeResult } from "../../subscription-engine.ts";
import type { Session } from "./session.ts";
import type { Subscription } from "./subscription.ts";
import { Taking } from "./take-events.ts";
import type { TurnBudget } from "./turn-budget.ts";
import type { WorkWaiters } from "./work-waiters.ts";

/** What takes need beside their subscription. */
export interface TakesParts {
  readonly budget: TurnBudget;
  /** Sessions of the subscription that want something. */
  readonly waiters: WorkWaiters;
}

/** How the takes of one subscription are filled: one piece at a time, and shared between the sessions that want something. */
export class Takes {
  readonly #subscription: Subscription;
  readonly #budget: TurnBudget;
  readonly #waiters: WorkWaiters;

  constructor(subscription: Subscription, parts: TakesParts) {
    this.#subscription = subscription;
    this.#budget = parts.budget;
    this.#waiters = parts.waiters;
  }

  /** Gives a session what there is for it, or a gap; nothing when there is nothing for it. */
  async take(session: Session, options: TakeOptions): Promise<TakeResult> {
    if (options.maxEvents <= 0) return { deliveries: [] };
    for (;;) {
      const result = await this.#subscription.exclusively(() => this.#takePiece(session, options));
      if (result.deliveries.length > 0 || result.gap !== undefined || !this.hasWorkFor(session))
        return result;
    }
  }

  /** Whether a session that takes would look at something. */
  hasWorkFor(session: Session): boolean {
    const { ledger } = this.#subscription;
    if (session.ended.aborted) return false;
    if (ledger.gap !== undefined) return true;
    if (this.#roomOf(session) === 0) return false;
    this.#subscription.promote();
    return ledger.hasWork;
  }

  async #takePiece(session: Session, options: TakeOptions): Promise<TakeResult> {
    await this.#budget.wait;
    session.ended.throwIfAborted();
    this.#budget.spend(1);
    const taking = await this.#fill(session, options);
    if (session.ended.aborted) {
      taking.giveBack();
      this.#subscription.wake();
      throw session.ended.reason;
    }
    this.#waiters.came(session);
    const deliveries = taking.handOver(session);
    return { deliveries, gap: this.#subscription.ledger.takeGap() };
  }

  async #fill(session: Session, options: TakeOptions): Promise<Taking> {
    const subscription = this.#subscription;
    let taking: Taking | undefined;
    try {
      subscription.ledger.sweep();
      await subscription.ledger.readKeys();
      subscription.promote();
      taking = new Taking(subscription, options, Math.min(options.maxEvents, this.#shareOf(session)));
      await taking.run();
      subscription.noteReading(true);
      return taking;
    } catch (error) {
      taking?.giveBack();
      subscription.noteReading(false);
      throw ensureServiceError(error);
    }
  }

  /** What a session may take: with others that want something, its part of what there is. */
  #shareOf(session: Session): number {
    const room = this.#roomOf(session);
    const others = this.#waiters.othersHungry(session);
    if (others === 0 || room === 0) return room;
    const { settings, inFlight, ledger } = this.#subscription;
    const free = Math.min(settings.maxInFlight - inFlight, ledger.workAmount);
    return Math.max(1, Math.min(room, Math.ceil(free / (others + 1))));
  }

  #roomOf(session: Session): number {
    const { settings, inFlight } = this.#subscription;
    const own = session.options.maxOutstanding - session.held.size;
    return Math.max(0, Math.min(own, settings.maxInFlight - inFlight));
  }
}
