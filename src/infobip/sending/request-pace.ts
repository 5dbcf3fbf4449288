/** Weight of the latest request in the average. */
const WEIGHT = 0.1;
/** Shortest and longest wait for company, in milliseconds. */
const MIN_LINGER_MS = 1;
const MAX_LINGER_MS = 50;

/** How long requests have taken lately. */
export class RequestPace {
  #averageMs: number | undefined;

  observe(durationMs: number): void {
    const average = this.#averageMs ?? durationMs;
    this.#averageMs = average + WEIGHT * (durationMs - average);
  }

  /** Moving average, in milliseconds; 0 before the first answer. */
  get averageMs(): number {
    return this.#averageMs ?? 0;
  }

  /** How long a job waits for others before another connection is taken into use: a quarter of a request, in bounds. */
  get lingerMs(): number {
    if (this.#averageMs === undefined) return MAX_LINGER_MS;
    return Math.min(Math.max(this.#averageMs / 4, MIN_LINGER_MS), MAX_LINGER_MS);
  }
}
