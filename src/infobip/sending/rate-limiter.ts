import type { Channel } from "../../../gen/infobip/messages/v1/channel_pb.js";
import type { ChannelCount } from "./send-queue.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Settings of a {@link RateLimiter}. */
export interface RateLimits {
  /** Destinations a second on all channels together; 0: no limit. */
  readonly total: number;
  /** Destinations a second on one channel; a channel without an entry, or with 0, has no limit of its own. */
  readonly channels: ReadonlyMap<Channel, number>;
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
}

/** What an oversized job owes to the rate limits. Whoever sent it pays, in turn with all others. */
export interface RateDebt {
  /** Destinations still owed, by the limit that is owed most; 0: paid. */
  readonly remaining: number;
  /** Pays with what the limits allow right now, at most `destinations`. Returns how many were paid: what the turn has cost. */
  pay(destinations: number): number;
  /** Milliseconds until `destinations` of it, or the rest, can be paid if nobody else takes any; 0: at once, or nothing is owed. */
  waitMs(destinations: number): number;
}

/** Less than this is owed by rounding only, in destinations. */
const MIN_OWED = 1e-6;

/** Part of a debt that falls to one bucket. */
interface Owing {
  readonly bucket: TokenBucket;
  owed: number;
}

/**
 * Limits destinations a second, in total and by channel, with bursts of one
 * second's worth, and holds everything back while Infobip asks for a pause. A
 * job larger than a burst goes when the bucket is full and leaves a debt; until
 * that is paid no other such job goes on the bucket, but smaller ones do. So
 * what goes in any span of time is at most rate x span + one burst + one
 * oversized job.
 */
export class RateLimiter {
  readonly #now: () => number;
  #total: TokenBucket | undefined;
  #channels = new Map<Channel, TokenBucket>();
  #limits: Omit<RateLimits, "now"> = { total: 0, channels: new Map() };
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  constructor({ total, channels, now }: RateLimits) {
    this.#now = now;
    this.setLimits({ total, channels });
  }

  /** Whether nothing but a pause holds anything back. */
  get isUnlimited(): boolean {
    return this.#total === undefined && this.#channels.size === 0;
  }

  /**
   * Sets other limits. One that stays the same goes on as it was; another one
   * begins with a full burst. What is owed under a limit before is forgiven.
   */
  setLimits({ total, channels }: Omit<RateLimits, "now">): void {
    const { total: before, channels: channelsBefore } = this.#limits;
    this.#limits = { total, channels };
    if (total !== before) this.#total = this.#bucket(total);
    const buckets = new Map<Channel, TokenBucket>();
    for (const [channel, rate] of channels) {
      const kept = channelsBefore.get(channel) === rate ? this.#channels.get(channel) : undefined;
      const bucket = kept ?? this.#bucket(rate);
      if (bucket) buckets.set(channel, bucket);
    }
    this.#channels = buckets;
  }

  /** Milliseconds until a job with these counts may go, if no other goes before it; 0: at once. */
  waitMs(counts: readonly ChannelCount[]): number {
    if (this.isUnlimited) return this.pausedMs();
    const nowMs = this.#now();
    let waitMs = Math.max(0, this.#pausedUntilMs - nowMs);
    this.#eachBucket(counts, (bucket, destinations) => {
      waitMs = Math.max(waitMs, bucket.waitMs(destinations, nowMs));
    });
    return waitMs;
  }

  /** Whether a job with these counts cannot go before others have paid what they owe. */
  isBarred(counts: readonly ChannelCount[]): boolean {
    let isBarred = false;
    this.#eachBucket(counts, (bucket, destinations) => {
      isBarred ||= bucket.isBarred(destinations);
    });
    return isBarred;
  }

  /** Milliseconds that the limits take at least to let this many through, debts and pause included. For estimates: knows no bursts beyond what is there. */
  throughputMs(counts: readonly ChannelCount[]): number {
    if (this.isUnlimited) return this.pausedMs();
    const nowMs = this.#now();
    let inflowMs = 0;
    this.#eachBucket(counts, (bucket, destinations) => {
      inflowMs = Math.max(inflowMs, bucket.inflowMs(destinations, nowMs));
    });
    return Math.max(inflowMs, this.#pausedUntilMs - nowMs);
  }

  /** Lets a job go for which {@link waitMs} told 0. Returns what it owes; undefined when that is nothing, as it is for all but oversized jobs. */
  take(counts: readonly ChannelCount[]): RateDebt | undefined {
    if (this.isUnlimited) return undefined;
    const nowMs = this.#now();
    const owings: Owing[] = [];
    this.#eachBucket(counts, (bucket, destinations) => {
      const owed = bucket.take(destinations, nowMs);
      if (owed > 0) owings.push({ bucket, owed });
    });
    return owings.length > 0 ? new Debt(owings, this.#now) : undefined;
  }

  /** Holds everything back until a time of the clock. A pause that ends later stays. */
  pauseUntil(timeMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, timeMs);
  }

  /** Milliseconds for which everything is still held back; 0: nothing is. */
  pausedMs(): number {
    if (this.#pausedUntilMs === Number.NEGATIVE_INFINITY) return 0;
    return Math.max(0, this.#pausedUntilMs - this.#now());
  }

  #bucket(rate: number): TokenBucket | undefined {
    return rate > 0 ? new TokenBucket(rate, this.#now()) : undefined;
  }

  #eachBucket(
    counts: readonly ChannelCount[],
    visit: (bucket: TokenBucket, destinations: number) => void,
  ): void {
    let sum = 0;
    for (const { channel, destinations } of counts) {
      sum += destinations;
      const bucket = this.#channels.get(channel);
      if (bucket) visit(bucket, destinations);
    }
    if (this.#total) visit(this.#total, sum);
  }
}

class Debt implements RateDebt {
  readonly #owings: readonly Owing[];
  readonly #now: () => number;

  constructor(owings: readonly Owing[], now: () => number) {
    this.#owings = owings;
    this.#now = now;
  }

  get remaining(): number {
    return this.#owings.reduce((most, { owed }) => Math.max(most, owed), 0);
  }

  pay(destinations: number): number {
    const nowMs = this.#now();
    let cost = 0;
    for (const owing of this.#owings) {
      const paid = owing.bucket.pay(Math.min(destinations, owing.owed), nowMs);
      owing.owed = owing.owed - paid < MIN_OWED ? 0 : owing.owed - paid;
      cost = Math.max(cost, paid);
    }
    return cost;
  }

  waitMs(destinations: number): number {
    const nowMs = this.#now();
    let waitMs = 0;
    for (const { bucket, owed } of this.#owings) {
      if (owed > 0) waitMs = Math.max(waitMs, bucket.paymentWaitMs(Math.min(destinations, owed), nowMs));
    }
    return waitMs;
  }
}
