import { logUnavailable } from "../../../nats/nats-errors.ts";
import { PublishConflict } from "../../../nats/publisher.ts";
import type { StreamState } from "../../../nats/stream-layout.ts";
import type { Values } from "../../../nats/values.ts";
import type { Timer } from "../../../timer.ts";
import { type AnswerLimits, type AnswerStore, fullFrom, type StoredAnswer } from "../../answer-store.ts";
import { requestIdsFull } from "../../embedded/log-errors.ts";
import { orUnavailable } from "../store-errors.ts";
import { isStreamFull } from "../stream-full.ts";
import { answerKey, decodeAnswer, encodeAnswer } from "./answer-value.ts";

/** Time between two looks at how full the stream is, in milliseconds. */
export const REFRESH_MS = 2_000;
/** Bytes that a stored answer counts for beside its value: subject, time and check of the message. */
const MESSAGE_OVERHEAD_BYTES = 96;

/** What {@link openJetStreamAnswers} works with. */
export interface JetStreamAnswersOptions {
  /** Of the stream of answers. */
  readonly values: Pick<Values, "get" | "put">;
  /** The stream as it stands. */
  readonly state: () => Promise<Pick<StreamState, "bytes">>;
  /** Those of the stream: it forgets answers by itself, and refuses what has no room. */
  readonly limits: AnswerLimits;
  readonly timer: Timer;
}

/**
 * Opens the store of answers on a stream. How full it is, is known to within
 * {@link REFRESH_MS}, since other processes write too; the stream's own limit
 * decides. Rejects with ServiceError LOG_UNAVAILABLE when the stream cannot be read.
 */
export async function openJetStreamAnswers(
  options: JetStreamAnswersOptions,
): Promise<AnswerStore & AsyncDisposable> {
  const { bytes } = await orUnavailable(options.state());
  return new JetStreamAnswers(options, bytes);
}

class JetStreamAnswers implements AnswerStore, AsyncDisposable {
  readonly #options: JetStreamAnswersOptions;
  /** Bytes of the stream when it was looked at last. */
  #bytes: number;
  /** Bytes of what was saved from here and may be missing in {@link #bytes}. */
  #ownBytes = 0;
  #refreshing: Promise<void> | undefined;
  #callOff: () => void = () => {};
  #isClosed = false;

  constructor(options: JetStreamAnswersOptions, bytes: number) {
    this.#options = options;
    this.#bytes = bytes;
    this.#refreshLater();
  }

  async find(requestId: string): Promise<StoredAnswer | undefined> {
    const value = await this.#options.values.get(answerKey(requestId));
    if (value === undefined) return undefined;
    try {
      return decodeAnswer(requestId, value.data);
    } catch (error) {
      throw logUnavailable(error);
    }
  }

  hasRoom(): boolean {
    return this.#bytes + this.#ownBytes < fullFrom(this.#options.limits.maxBytes);
  }

  async save(requestId: string, answer: StoredAnswer): Promise<void> {
    const data = encodeAnswer(requestId, answer);
    const bytes = data.length + MESSAGE_OVERHEAD_BYTES;
    this.#ownBytes += bytes;
    try {
      await this.#options.values.put(answerKey(requestId), data, { expectedRevision: 0 });
    } catch (error) {
      this.#ownBytes = Math.max(0, this.#ownBytes - bytes);
      // The first one stays.
      if (error instanceof PublishConflict) return;
      if (!isStreamFull(error)) throw error;
      this.#bytes = Math.max(this.#bytes, fullFrom(this.#options.limits.maxBytes));
      throw requestIdsFull();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#callOff();
    await this.#refreshing;
  }

  #refreshLater(): void {
    if (this.#isClosed) return;
    this.#callOff = this.#options.timer.schedule(REFRESH_MS, () => {
      this.#refreshing = this.#refresh();
    });
  }

  /** Never rejects: what was known last counts on. */
  async #refresh(): Promise<void> {
    const before = this.#ownBytes;
    try {
      const { bytes } = await this.#options.state();
      this.#bytes = bytes;
      // What was saved before the look is in it, and what came meanwhile may be.
      this.#ownBytes = Math.max(0, this.#ownBytes - before);
    } catch {
      // Saving tells whoever needs to know.
    }
    this.#refreshing = undefined;
    this.#refreshLater();
  }
}
