import { Channel } from "../../../gen/infobip/messages/v1/channel_pb.js";
import type { Flow } from "./flow.ts";
import type { RateLimiter } from "./rate-limiter.ts";
import type { ChannelCount } from "./send-queue.ts";

/** Stands for the limit on all channels together; no job is on it as a channel with a limit. */
const TOTAL = Channel.UNSPECIFIED;

/**
 * Keeps the tokens of a limit together for the flow whose turn it is and whose
 * job needs more of them than there are; otherwise the small jobs of others
 * would take each token as it comes. A flow reserves only while nobody else
 * holds any limit that it needs, so no two can wait for each other.
 */
export class Reservations {
  readonly #limiter: RateLimiter;
  readonly #holders = new Map<Channel, Flow>();

  constructor(limiter: RateLimiter) {
    this.#limiter = limiter;
  }

  /** Whether another flow holds a limit that these counts need. */
  isHeldByOther(flow: Flow, counts: readonly ChannelCount[]): boolean {
    if (this.#holders.size === 0) return false;
    if (this.#isOthers(TOTAL, flow)) return true;
    for (const { channel } of counts) if (this.#isOthers(channel, flow)) return true;
    return false;
  }

  /** Who holds a limit that all jobs on a channel need; if two do, the one that holds back the other. */
  holderOn(channel: Channel): Flow | undefined {
    return this.#holders.size === 0 ? undefined : (this.#holders.get(TOTAL) ?? this.#holders.get(channel));
  }

  /** Reserves the limits that have too few tokens for these counts. */
  reserve(flow: Flow, counts: readonly ChannelCount[]): void {
    let destinations = 0;
    for (const count of counts) destinations += count.destinations;
    if (this.#limiter.waitMs([{ channel: TOTAL, destinations }]) > 0) {
      this.#holders.set(TOTAL, flow);
      return;
    }
    for (const count of counts) {
      if (this.#limiter.waitMs([count]) > 0) this.#holders.set(count.channel, flow);
    }
  }

  /** Gives back what a flow holds. */
  release(flow: Flow): void {
    if (this.#holders.size === 0) return;
    for (const [channel, holder] of this.#holders) if (holder === flow) this.#holders.delete(channel);
  }

  #isOthers(channel: Channel, flow: Flow): boolean {
    const holder = this.#holders.get(channel);
    return holder !== undefined && holder !== flow;
  }
}
