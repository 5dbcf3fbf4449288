/** Lets one in at a time for each key. */
export class KeyLock {
  readonly #held = new Map<string, Promise<void>>();

  /** Keys that are held. */
  get size(): number {
    return this.#held.size;
  }

  /** Resolves when the key is given back; undefined when nobody holds it. */
  whenFree(key: string): Promise<void> | undefined {
    return this.#held.get(key);
  }

  /** Runs the work once nobody else holds the key. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    for (let held = this.#held.get(key); held !== undefined; held = this.#held.get(key)) await held;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held.set(key, promise);
    try {
      return await work();
    } finally {
      this.#held.delete(key);
      resolve();
    }
  }
}
