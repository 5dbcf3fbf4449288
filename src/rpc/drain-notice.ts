/**
 * Tells the waiting streams that the service drains. One listener on the
 * service's signal for all of them: an AbortSignal walks its listeners
 * whenever one is added.
 */
export class DrainNotice {
  readonly #signal: AbortSignal;
  readonly #listeners = new Set<() => void>();

  /** `signal` aborts when the service drains and lives as long as this object. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => {
      for (const listener of [...this.#listeners]) listener();
    });
  }

  get draining(): boolean {
    return this.#signal.aborted;
  }

  /** Streams that wait now. */
  get size(): number {
    return this.#listeners.size;
  }

  /** Calls back when draining begins; the returned function calls it off. */
  onDrain(callback: () => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }
}
