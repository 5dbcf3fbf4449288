import type { CallDrain } from "../rpc/call-context.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** See {@link CallDrain}; of the process that a call came from. */
export class CallerDrain implements CallDrain {
  readonly #clock: () => number;
  readonly #listeners = new Set<() => void>();
  #stopsAtMs = NEVER;

  /** `clock`: milliseconds, only forward. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  get draining(): boolean {
    return this.#stopsAtMs !== NEVER;
  }

  leftMs(): number {
    return Math.max(0, this.#stopsAtMs - this.#clock());
  }

  onDrain(callback: () => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  /** It has so many milliseconds left. Only the first time counts. */
  begun(leftMs: number): void {
    if (this.draining) return;
    this.#stopsAtMs = this.#clock() + leftMs;
    for (const listener of [...this.#listeners]) listener();
  }
}
