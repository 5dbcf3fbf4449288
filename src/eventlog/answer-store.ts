/** Bytes that an answer counts for beside its id and response: hash, time, and what it takes up in an index. */
const ANSWER_OVERHEAD_BYTES = 128;
/** Share of the limit that is left for calls under way when the store begins to say that it has no room. */
const HEADROOM_SHARE = 1 / 16;
/** Most bytes that are left for them. */
const MAX_HEADROOM_BYTES = 16 * 1024 * 1024;

/** The first answer to a call with a request id. */
export interface StoredAnswer {
  /** Tells whether a repeat has the same contents. 32 bytes. */
  readonly payloadHash: Uint8Array;
  /** Binary response. */
  readonly response: Uint8Array;
}

/**
 * Keeps the first answer to each call with a request id for a time
 * (`sending.request_id_window`), also across restarts. Bounded by bytes: when it
 * is full it takes no more and forgets nothing early.
 */
export interface AnswerStore {
  /** The answer that is kept for an id; undefined when there is none or its time has passed. Rejects with ServiceError LOG_UNAVAILABLE. */
  find(requestId: string): Promise<StoredAnswer | undefined>;
  /** Whether another answer can be taken, as far as is known now. Says no a little early, see {@link fullFrom}. */
  hasRoom(): boolean;
  /**
   * Resolves once the answer is durable. The first one for an id stays, and its time counts from here: saving
   * another one under it changes nothing.
   * Rejects with ServiceError REQUEST_IDS_FULL, LOG_UNAVAILABLE or OVERLOADED.
   */
  save(requestId: string, answer: StoredAnswer): Promise<void>;
}

/** Bounds of an {@link AnswerStore}. */
export interface AnswerLimits {
  /** Time for which an answer is kept, in milliseconds. */
  readonly windowMs: number;
  /** Most bytes of answers, as {@link answerBytes} counts them. */
  readonly maxBytes: number;
}

/** What an answer counts for in {@link AnswerLimits.maxBytes}. */
export function answerBytes(requestId: string, { response }: StoredAnswer): number {
  return ANSWER_OVERHEAD_BYTES + requestId.length + response.length;
}

/** Bytes from which on hasRoom() is false: a little under the limit, so that whoever was told of room finds it. */
export function fullFrom(maxBytes: number): number {
  return maxBytes - Math.min(maxBytes * HEADROOM_SHARE, MAX_HEADROOM_BYTES);
}
