/** Most that the clock may step forward and be believed at once, in milliseconds. */
export const MAX_CLOCK_STEP_MS = 60 * 60 * 1000;
/** Time for which a clock must hold on to a greater step before it is believed, in milliseconds. */
export const CLOCK_PROOF_MS = 60 * 60 * 1000;

/** The clocks that a {@link RetentionClock} compares. */
export interface RetentionClockParts {
  /** Unix milliseconds, by a clock that can be set wrong. */
  readonly now: () => number;
  /** Milliseconds on a clock that only goes forward, and not by steps. */
  readonly monotonicNow: () => number;
}

/**
 * Tells the time by which events grow old. A clock that is set wrong, by days
 * say, must not empty the log: a great step forward counts only once the clock
 * has kept to it for a while. A step back counts at once: it removes nothing.
 */
export class RetentionClock {
  readonly #parts: RetentionClockParts;
  #believedMs: number;
  #believedAt: number;
  #steppedAt: number | undefined;

  constructor(parts: RetentionClockParts) {
    this.#parts = parts;
    this.#believedMs = parts.now();
    this.#believedAt = parts.monotonicNow();
  }

  /** Unix milliseconds; to be asked now and then, as a step is seen from one time to the next. */
  now(): number {
    const time = this.#parts.now();
    const monotonic = this.#parts.monotonicNow();
    const expected = this.#believedMs + (monotonic - this.#believedAt);
    if (time - expected <= MAX_CLOCK_STEP_MS) return this.#believe(time, monotonic);
    this.#steppedAt ??= monotonic;
    return monotonic - this.#steppedAt < CLOCK_PROOF_MS ? expected : this.#believe(time, monotonic);
  }

  #believe(time: number, monotonic: number): number {
    this.#believedMs = time;
    this.#believedAt = monotonic;
    this.#steppedAt = undefined;
    return time;
  }
}
