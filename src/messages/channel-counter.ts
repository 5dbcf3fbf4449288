import type { Channel } from "../../gen/infobip/messages/v1/channel_pb.js";
import type { ChannelCount } from "../infobip/sending/send-queue.ts";

/** Counts destinations by channel. Almost every request has one channel, and none has more than the contract has. */
export class ChannelCounter {
  readonly #counts: { channel: Channel; destinations: number }[] = [];

  /** One entry for each channel, in the order of their first appearance. */
  get counts(): readonly ChannelCount[] {
    return this.#counts;
  }

  /** Counts further destinations on a channel. */
  add(channel: Channel, destinations: number): void {
    const known = this.#counts.find((count) => count.channel === channel);
    if (known === undefined) this.#counts.push({ channel, destinations });
    else known.destinations += destinations;
  }
}
