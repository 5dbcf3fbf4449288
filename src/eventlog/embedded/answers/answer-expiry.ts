import type { Timer } from "../../../timer.ts";
import { RetentionClock, type RetentionClockParts } from "../retention-clock.ts";
import type { AnswerRemoval, AnswerTotals } from "./answer-writer.ts";

/** Time between two removals of expired answers, in milliseconds. */
export const EXPIRY_INTERVAL_MS = 10_000;

/** What {@link AnswerExpiry} works with. */
export interface AnswerExpiryParts extends RetentionClockParts {
  readonly windowMs: number;
  readonly timer: Timer;
  /** Removes the answers that were saved at a time or before, or as many of them as one step takes. */
  readonly removeStep: (expiredMs: number) => Promise<AnswerRemoval>;
  /** Told what is stored after each step. */
  readonly onTotals: (totals: AnswerTotals) => void;
  /** Answers could not be removed; the next round tries again. */
  readonly onFailed: (error: Error) => void;
}

/**
 * Removes answers whose time has passed, in small steps that let other work
 * through. Nobody sees them by then, so all that waits for it is their room.
 */
export class AnswerExpiry {
  readonly #parts: AnswerExpiryParts;
  readonly #clock: RetentionClock;
  #callOff: (() => void) | undefined;
  #removing: Promise<void> | undefined;
  #isStopped = false;

  constructor(parts: AnswerExpiryParts) {
    this.#parts = parts;
    this.#clock = new RetentionClock(parts);
  }

  /** Takes note that answers are stored: only then there is something to come back for. */
  stored({ answers }: AnswerTotals): void {
    if (answers === 0 || this.#isStopped || this.#callOff !== undefined || this.#removing !== undefined)
      return;
    this.#callOff = this.#parts.timer.schedule(EXPIRY_INTERVAL_MS, () => {
      this.#callOff = undefined;
      this.#removing = this.#remove();
    });
  }

  /** Removes no more; resolves when the step in progress has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#callOff?.();
    await this.#removing;
  }

  /** Never rejects. */
  async #remove(): Promise<void> {
    const { windowMs, removeStep, onTotals, onFailed } = this.#parts;
    const expiredMs = Math.floor(this.#clock.now() - windowMs);
    // After a failure some are taken to be left: the next round tells.
    let totals: AnswerTotals = { answers: 1, bytes: 0 };
    try {
      for (let hasMore = true; hasMore && !this.#isStopped; ) {
        const removal = await removeStep(expiredMs);
        onTotals(removal);
        totals = removal;
        hasMore = removal.hasMore;
      }
    } catch (error) {
      if (!this.#isStopped) onFailed(error instanceof Error ? error : new Error(String(error)));
    }
    this.#removing = undefined;
    this.stored(totals);
  }
}
