import type { Caller } from "../rpc/caller.ts";
import { callerRateLimited } from "./caller-errors.ts";

/** What sums of fractions of a message may be off by. */
const ROUNDING = 1e-6;

/** How much a caller has left. */
interface Bucket {
  /** Below zero after a request that was larger than the bucket. */
  tokens: number;
  filledAt: number;
}

/**
 * Counts what callers send against their messages_per_second, by name, so that a reload of the callers gives
 * nobody a second helping. A second's worth may come at once. A request larger
 * than that goes when the bucket is full, and what it takes too much must come in before the next one.
 */
export class SendAllowance {
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  /** `now` tells milliseconds on a clock that never goes back. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes so many messages off the caller's allowance. Throws CALLER_RATE_LIMITED, and takes nothing, when it is used up. */
  spend({ name, messagesPerSecond: rate }: Caller, messages: number): void {
    if (rate === undefined || messages === 0) return;
    const bucket = this.#filled(name, rate);
    const missing = Math.min(messages, rate) - bucket.tokens;
    if (missing > ROUNDING) throw callerRateLimited((missing / rate) * 1_000);
    bucket.tokens -= messages;
  }

  /** Forgets all others. */
  retain(names: Iterable<string>): void {
    const kept = new Set(names);
    for (const name of this.#buckets.keys()) if (!kept.has(name)) this.#buckets.delete(name);
  }

  #filled(name: string, rate: number): Bucket {
    const now = this.#now();
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      const full = { tokens: rate, filledAt: now };
      this.#buckets.set(name, full);
      return full;
    }
    bucket.tokens = Math.min(rate, bucket.tokens + ((now - bucket.filledAt) / 1_000) * rate);
    bucket.filledAt = now;
    return bucket;
  }
}
