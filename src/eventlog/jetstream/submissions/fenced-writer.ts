import { logUnavailable } from "../../../nats/nats-errors.ts";
import { PublishConflict, type Publisher, type PublishOptions } from "../../../nats/publisher.ts";
import { orUnavailable, storeTakenOver } from "../store-errors.ts";
import type { StreamAccess } from "./stream-access.ts";
import { decodeEpoch, type EpochMessage } from "./submission-message.ts";
import type { PlannedMessage } from "./submission-plan.ts";

/** Writes in a row that are cut off though nobody else writes, after which messages go out one at a time. */
const MAX_BROKEN_CHAINS = 2;
/** Tries to find out what is stored before the caller is told to come back later. */
const MAX_SETTLE_ATTEMPTS = 10;

/** What {@link FencedWriter} works with. */
export interface FencedWriterOptions {
  readonly publisher: Publisher;
  readonly stream: Pick<StreamAccess, "lastSequence" | "lastOf">;
  readonly epochSubject: string;
  /** Tells this holder of the stream from all others. */
  readonly writer: string;
  /** Begins the ids of its messages; no other holder has the same. */
  readonly idPrefix: string;
  /** Sequence of the epoch by which this holder has taken the stream over. */
  readonly last: number;
  /** Aborted when another holder has taken the stream over, or the stream has lost messages. */
  readonly fence: AbortController;
}

/**
 * Writes a stream that has one writer at a time. Messages of a write go out
 * together, and each names sequence and id of the one that must be the stream's
 * last. The sequence alone would not do: where one message of another writer
 * stands in the place of one that was refused, the next one's sequence fits
 * again. So the messages of a write that are stored are always its first ones,
 * and from the moment in which another writer has published its epoch nothing
 * of this one is stored.
 */
export class FencedWriter {
  readonly #options: FencedWriterOptions;
  #last: number;
  #ids = 0;
  #wasRefused = false;
  #brokenChains = 0;

  constructor(options: FencedWriterOptions) {
    this.#options = options;
    this.#last = options.last;
  }

  /** Sequence of the stream's last message: the next one gets the sequence after it. */
  get last(): number {
    return this.#last;
  }

  /**
   * Writes messages; resolves once all are stored. When it rejects, with ServiceError, it is not known which are:
   * then {@link settle} must be called before the next write.
   */
  async write(messages: readonly PlannedMessage[]): Promise<void> {
    this.requireHeld();
    this.#wasRefused = false;
    try {
      if (this.#brokenChains < MAX_BROKEN_CHAINS) await this.#writeChain(messages);
      else for (const [n, message] of messages.entries()) await this.#publish(message, n, undefined);
    } catch (error) {
      this.#wasRefused = error instanceof PublishConflict;
      throw this.#wasRefused ? logUnavailable(error) : error;
    }
    this.#last += messages.length;
    if (this.#brokenChains < MAX_BROKEN_CHAINS) this.#brokenChains = 0;
  }

  /**
   * Finds out how many messages of a failed write are stored, and makes sure that none of the others is stored
   * later: it publishes an epoch after them, for `encodeEpoch` says up to where they are stored. Rejects with
   * ServiceError LOG_UNAVAILABLE when that cannot be done now.
   */
  settle(encodeEpoch: (storedTo: number) => Uint8Array): Promise<number> {
    return orUnavailable(this.#settle(encodeEpoch));
  }

  /** @throws ServiceError when another holder has taken the stream over. */
  requireHeld(): void {
    const { signal } = this.#options.fence;
    if (signal.aborted) throw storeTakenOver(signal.reason);
  }

  async #writeChain(messages: readonly PlannedMessage[]): Promise<void> {
    const { idPrefix } = this.#options;
    let before: string | undefined;
    const acks = await Promise.allSettled(
      messages.map((message, n) => {
        const id = `${idPrefix}.${(this.#ids++).toString(36)}`;
        const expectedLastId = before;
        before = id;
        return this.#publish(message, n, { id, expectedLastId });
      }),
    );
    for (const ack of acks) if (ack.status === "rejected") throw ack.reason;
  }

  #publish(
    { subject, payload }: PlannedMessage,
    n: number,
    chain: PublishOptions | undefined,
  ): Promise<unknown> {
    return this.#options.publisher.publish(subject, payload, { ...chain, expectedLast: this.#last + n });
  }

  async #settle(encodeEpoch: (storedTo: number) => Uint8Array): Promise<number> {
    const { publisher, stream, epochSubject } = this.#options;
    const before = this.#last;
    for (let attempt = 0; attempt < MAX_SETTLE_ATTEMPTS; attempt++) {
      this.requireHeld();
      // The last sequence first: when the epoch that is read after it is ours, then so is all up to there.
      const last = await stream.lastSequence();
      const epoch = await this.#ownEpoch();
      if (last < before) this.#lose(`the stream of submissions ends at ${last} and held ${before}`);
      const isBarrier = epoch.sequence > before && epoch.storedTo > 0;
      const storedTo = isBarrier ? epoch.storedTo : last;
      if (isBarrier && epoch.sequence === last) return this.#settled(last, storedTo - before);
      try {
        const ack = await publisher.publish(epochSubject, encodeEpoch(storedTo), { expectedLast: last });
        return this.#settled(ack.sequence, storedTo - before);
      } catch (error) {
        // A message of ours that was still on its way, or another holder: the next look tells.
        if (!(error instanceof PublishConflict)) throw error;
      }
    }
    throw logUnavailable(new Error("the stream of submissions changes while it is looked at"));
  }

  #settled(last: number, stored: number): number {
    this.#last = last;
    // Refused, though nobody else has written: this server does not take chains, or has been restarted.
    if (this.#wasRefused) this.#brokenChains++;
    this.#wasRefused = false;
    return stored;
  }

  async #ownEpoch(): Promise<EpochMessage & { readonly sequence: number }> {
    const { stream, epochSubject, writer } = this.#options;
    const message = await stream.lastOf(epochSubject);
    if (message === undefined) this.#lose("the stream of submissions has lost the epoch");
    const epoch = decodeEpoch(message.data);
    if (epoch.writer !== writer) this.#lose("another process has taken the outbox over");
    return { ...epoch, sequence: message.sequence };
  }

  #lose(reason: string): never {
    const error = new Error(reason);
    this.#options.fence.abort(error);
    throw storeTakenOver(error);
  }
}
