/** Bytes that one body holds of a {@link BodyBudget}. */
export interface BodyLease extends Disposable {
  /** Raises what the lease holds to `bytes` in all. False, and nothing changes, when the budget has not so many left. */
  tryGrowTo(bytes: number): boolean;
}

/** Bounds the memory of all bodies together. */
export class BodyBudget {
  #free: number;

  constructor(totalBytes: number) {
    this.#free = totalBytes;
  }

  /** Bytes that are not held by any lease. */
  get freeBytes(): number {
    return this.#free;
  }

  /** Opens a lease that holds nothing yet. Disposing it returns what it holds, once. */
  lease(): BodyLease {
    let held = 0;
    return {
      tryGrowTo: (bytes) => {
        const more = Math.max(0, bytes - held);
        if (more > this.#free) return false;
        this.#free -= more;
        held += more;
        return true;
      },
      [Symbol.dispose]: () => {
        this.#free += held;
        held = 0;
      },
    };
  }
}
