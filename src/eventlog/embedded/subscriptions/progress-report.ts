import type { SubscriptionProgress } from "../../subscription-engine.ts";
import { blockedBy } from "./blocked.ts";
import type { Session } from "./session.ts";
import type { Subscription } from "./subscription.ts";

/** Tells how far a subscription has come. */
export class ProgressReport {
  readonly #subscription: Subscription;
  /** The last answer to when the oldest event was stored, and what was asked. */
  #oldest: { readonly question: string; readonly timeMs: number | undefined } | undefined;

  constructor(subscription: Subscription) {
    this.#subscription = subscription;
  }

  /** As one session sees it, or the subscription as a whole. Costs at most one look-up in the log and one among the dead letters. */
  async make(session: Session | undefined): Promise<SubscriptionProgress> {
    const subscription = this.#subscription;
    const oldestTimeMs = await this.#oldestTime();
    const { head } = subscription.log.bounds();
    const { ledger, inFlight } = subscription;
    const backlog = Math.max(0, head - ledger.position);
    // While acknowledgements are being stored their events count as in flight and are out of the ledger already.
    const waiting = Math.max(0, ledger.size - inFlight);
    return {
      settledTo: subscription.storedSettledTo,
      head,
      lagEvents: ledger.size + backlog,
      oldestTimeMs,
      inFlight,
      waiting,
      deadLetters: subscription.deadLetters,
      consumers: subscription.sessions.size,
      blocked: this.#blocked(session, waiting + backlog, backlog),
    };
  }

  #blocked(
    session: Session | undefined,
    undelivered: number,
    backlog: number,
  ): SubscriptionProgress["blocked"] {
    const subscription = this.#subscription;
    const { ledger, inFlight } = subscription;
    const sessions = session === undefined ? [...subscription.sessions.values()] : [session];
    return blockedBy({
      undelivered,
      isLogTroubled: subscription.isTroubled && undelivered + inFlight > 0,
      consumers: subscription.sessions.size,
      isOutstandingFull: sessions.every(({ held, options }) => held.size >= options.maxOutstanding),
      isInFlightFull: inFlight >= subscription.settings.maxInFlight,
      isWorkLeft: subscription.isWorkLeft(),
      areDeadLettersFull: ledger.doomed.size > 0,
      isUnsettledFull: ledger.free === 0 && backlog > 0,
      isDelayed: ledger.queue.hasDelayed,
    });
  }

  /** Record time of the oldest event that is not settled; the one known last when it cannot be read. */
  async #oldestTime(): Promise<number | undefined> {
    const { ledger, log } = this.#subscription;
    const redriven = ledger.redriven.first?.sequence;
    const isBehind = ledger.unsettled.size > 0 || ledger.position < log.bounds().head;
    if (!isBehind && redriven === undefined) return undefined;
    const question = `${isBehind ? ledger.settledTo : ""} ${redriven ?? ""}`;
    if (this.#subscription.isReadable && this.#oldest?.question === question) return this.#oldest.timeMs;
    try {
      const inLog = isBehind ? await log.recordTimeAfter(ledger.settledTo) : undefined;
      const inLetters = redriven === undefined ? undefined : await this.#deadLetterTime(redriven);
      const timeMs = Math.min(inLog ?? Number.POSITIVE_INFINITY, inLetters ?? Number.POSITIVE_INFINITY);
      this.#subscription.noteReading(true);
      this.#oldest = { question, timeMs: timeMs === Number.POSITIVE_INFINITY ? undefined : timeMs };
    } catch {
      this.#subscription.noteReading(false);
    }
    return this.#oldest?.timeMs;
  }

  async #deadLetterTime(sequence: number): Promise<number | undefined> {
    const { id, store } = this.#subscription;
    const options = { limit: 1, maxBytes: 1, includeRaw: false };
    const [letter] = await store.deadLetters(id, sequence - 1, options);
    return letter?.record.sequence === sequence ? letter.record.recordTimeMs : undefined;
  }
}
