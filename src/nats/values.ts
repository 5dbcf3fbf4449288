/** The latest value under a key. */
export interface StoredValue {
  readonly data: Uint8Array;
  /** Sequence in the stream; rises with each put. */
  readonly revision: number;
  /** Headers that were put with it, those of the NATS protocol left out. */
  readonly headers: Readonly<Record<string, string>>;
  /** Unix milliseconds by the server's clock. */
  readonly timeMs: number;
}

/** How to put a value. */
export interface PutOptions {
  /** Revision that must be the key's last one; 0: there is none. Without it the value replaces whatever is there. */
  readonly expectedRevision?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Latest values by key, in a stream that keeps one message for each subject.
 * Keys are dot-separated tokens of `A-Z a-z 0-9 _ -`. A value may be larger
 * than a message: it is then stored in parts, and read as a whole or not at
 * all. All methods reject with ServiceError LOG_UNAVAILABLE or OVERLOADED.
 */
export interface Values {
  /** As the stream's leader has it, never an older one. */
  get(key: string): Promise<StoredValue | undefined>;
  /** Resolves with the revision once it is durable. Rejects with PublishConflict too. */
  put(key: string, data: Uint8Array, options?: PutOptions): Promise<number>;
  /**
   * Removes a key; no error when there is none. With `throughRevision` only up to that revision: what was put later
   * stays, however late the removal arrives.
   */
  delete(key: string, throughRevision?: number): Promise<void>;
  /** Keys that begin with a prefix of whole tokens (`dead.s1` finds `dead.s1.7`, not itself; an empty one finds all), in no order; at most `limit`. */
  keys(prefix: string, limit: number): Promise<readonly string[]>;
}
