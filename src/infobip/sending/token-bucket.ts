/** Difference that is due to rounding and counts as none, in tokens. */
const ROUNDING = 1e-6;

/**
 * Tokens that flow in at a steady rate up to a burst of one second's worth. A
 * taker larger than the burst goes when the bucket is full and nothing is owed;
 * what it takes beyond the burst is owed until it is paid with tokens that come
 * later.
 */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #owed = 0;
  #filledMs: number;

  /** `rate` in tokens a second, above 0. The bucket begins full. */
  constructor(rate: number, nowMs: number) {
    this.#perMs = rate / 1_000;
    this.#burst = Math.max(1, rate);
    this.#tokens = this.#burst;
    this.#filledMs = nowMs;
  }

  /** Milliseconds until this many can be taken, if nobody else takes any and what is owed is paid first; 0: at once. */
  waitMs(tokens: number, nowMs: number): number {
    this.#fill(nowMs);
    const missing = tokens > this.#burst ? this.#burst + this.#owed - this.#tokens : tokens - this.#tokens;
    return missing <= ROUNDING ? 0 : missing / this.#perMs;
  }

  /** Whether this many cannot be taken before others have paid what they owe. */
  isBarred(tokens: number): boolean {
    return tokens > this.#burst && this.#owed > 0;
  }

  /** Milliseconds until this many have come in beyond what is there and owed. Unlike {@link waitMs} knows no burst. */
  inflowMs(tokens: number, nowMs: number): number {
    this.#fill(nowMs);
    return Math.max(0, tokens + this.#owed - this.#tokens) / this.#perMs;
  }

  /** Takes tokens for which {@link waitMs} told 0. Returns how many of them are owed from here on. */
  take(tokens: number, nowMs: number): number {
    this.#fill(nowMs);
    this.#tokens -= tokens;
    if (tokens <= this.#burst) return 0;
    const owed = -this.#tokens;
    this.#tokens = 0;
    this.#owed += owed;
    return owed;
  }

  /** Milliseconds until this many of what is owed can be paid in one go, at most one burst; 0: at once. */
  paymentWaitMs(tokens: number, nowMs: number): number {
    this.#fill(nowMs);
    const missing = Math.min(tokens, this.#burst) - this.#tokens;
    return missing <= ROUNDING ? 0 : missing / this.#perMs;
  }

  /** Pays what is owed with the tokens that are there, at most this many. Returns how many were paid. */
  pay(atMost: number, nowMs: number): number {
    this.#fill(nowMs);
    const paid = Math.max(0, Math.min(atMost, this.#owed, this.#tokens));
    this.#tokens -= paid;
    this.#owed -= paid;
    if (this.#owed <= ROUNDING) this.#owed = 0;
    return paid;
  }

  #fill(nowMs: number): void {
    const passedMs = nowMs - this.#filledMs;
    if (passedMs <= 0) return;
    this.#tokens = Math.min(this.#burst, this.#tokens + passedMs * this.#perMs);
    this.#filledMs = nowMs;
  }
}
