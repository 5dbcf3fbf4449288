import { MAX_WAITERS } from "./limits.ts";

/** Counts what is still to come, and tells when nothing is. */
export class Outstanding {
  #count = 0;
  readonly #waiters = new Set<() => void>();

  get count(): number {
    return this.#count;
  }

  begin(): void {
    this.#count++;
  }

  end(): void {
    if (this.#count === 0) return;
    this.#count--;
    if (this.#count === 0) this.#release();
  }

  /** Resolves when nothing is outstanding; at once when nothing is now. */
  idle(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.onIdle(resolve);
    return promise;
  }

  /**
   * Calls back once when nothing is outstanding; at once when nothing is now.
   * Returns a function that takes the wish back.
   * @throws RangeError when MAX_WAITERS wait already.
   */
  onIdle(callback: () => void): () => void {
    if (this.#count === 0) {
      callback();
      return () => {};
    }
    if (this.#waiters.size >= MAX_WAITERS) throw new RangeError(`at most ${MAX_WAITERS} callers can wait`);
    const waiter = () => callback();
    this.#waiters.add(waiter);
    return () => this.#waiters.delete(waiter);
  }

  /** Forgets what is outstanding and wakes everyone who waits. */
  clear(): void {
    this.#count = 0;
    this.#release();
  }

  #release(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }
}
