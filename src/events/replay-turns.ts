/**
 * Lets streams that catch up read one after the other, one read in each turn
 * of the event loop, first come first served. However many they are, every
 * other piece of work gets its turn between two of their reads. A stream holds
 * one place at most, so the streams' own bound is the queue's.
 */
export class ReplayTurns {
  readonly #queue = new Set<() => void>();
  #isScheduled = false;

  /** Streams that wait for their turn. */
  get size(): number {
    return this.#queue.size;
  }

  /** Resolves when it is the caller's turn, or when the signal aborts. Never rejects. */
  take(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const go = (): void => {
        this.#queue.delete(go);
        signal.removeEventListener("abort", go);
        resolve();
      };
      this.#queue.add(go);
      signal.addEventListener("abort", go);
      this.#schedule();
    });
  }

  /** Never runs on at once: an immediate that is set in an immediate comes in the next turn. */
  #schedule(): void {
    if (this.#isScheduled || this.#queue.size === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const [first] = this.#queue;
      first?.();
      this.#schedule();
    });
  }
}
