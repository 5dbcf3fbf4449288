/** Settings of a {@link RetryBudget}. */
export interface RetryBudgetOptions {
  /** Retries that each request earns. */
  readonly ratio: number;
  /** Retries that can be made before any request has earned one, and that time alone brings back. */
  readonly reserve: number;
  /** Retries that come back in a second, up to the reserve. */
  readonly perSecond: number;
  /** Most retries that can be saved up. */
  readonly maxSaved: number;
}

/** One retry for ten requests, and a few for a service that sends little. */
export const DEFAULT_RETRY_BUDGET: RetryBudgetOptions = {
  ratio: 0.1,
  reserve: 10,
  perSecond: 1,
  maxSaved: 100,
};

/** Added before rounding down, so that ten tenths are one. */
const ROUNDING = 1e-9;

/**
 * Bounds retries to a share of the requests: a server that refuses everything
 * must not get several times the load for it. A small reserve comes back with
 * time, or who sends little could hardly ever repeat anything.
 */
export class RetryBudget {
  readonly #options: RetryBudgetOptions;
  readonly #now: () => number;
  #saved: number;
  #refilledMs: number;

  /** `now` in milliseconds, on a clock that only goes forward. */
  constructor(now: () => number, options: RetryBudgetOptions = DEFAULT_RETRY_BUDGET) {
    this.#options = options;
    this.#now = now;
    this.#saved = options.reserve;
    this.#refilledMs = now();
  }

  /** A request was made that is no retry. */
  deposit(): void {
    const { ratio, reserve, maxSaved } = this.#options;
    this.#saved = Math.min(Math.max(reserve, maxSaved), this.#saved + ratio);
  }

  /** Whether a retry may be made; it is then paid for. */
  withdraw(): boolean {
    this.#refill();
    if (this.#saved + ROUNDING < 1) return false;
    this.#saved -= 1;
    return true;
  }

  #refill(): void {
    const { perSecond, reserve } = this.#options;
    const nowMs = this.#now();
    const refilled = this.#saved + ((nowMs - this.#refilledMs) * perSecond) / 1_000;
    this.#refilledMs = nowMs;
    this.#saved = Math.max(this.#saved, Math.min(reserve, refilled));
  }
}
