import type { ClockTimer } from "./timer.ts";

/** Longest wait that is asked of a timer at once unless told otherwise, in milliseconds; some timers take no more than 2^31. */
const DEFAULT_MAX_WAIT_MS = 3_600_000;

/** One timer for many deadlines: rings at the earliest that it was asked for, or before. */
export class Alarm {
  readonly #timer: ClockTimer;
  readonly #ring: () => void;
  readonly #maxWaitMs: number;
  #at = Number.POSITIVE_INFINITY;
  #callOff: (() => void) | undefined;

  /** `ring` may come early, after `maxWaitMs` at the latest, and asks again for what is still to come. */
  constructor(timer: ClockTimer, ring: () => void, maxWaitMs: number = DEFAULT_MAX_WAIT_MS) {
    this.#timer = timer;
    this.#ring = ring;
    this.#maxWaitMs = maxWaitMs;
  }

  /** Makes sure that it rings at this time of the timer's clock or before. Infinite: no need. */
  by(time: number): void {
    if (time >= this.#at) return;
    this.#callOff?.();
    const now = this.#timer.now();
    const waitMs = Math.min(Math.max(0, Math.ceil(time - now)), this.#maxWaitMs);
    this.#at = now + waitMs;
    this.#callOff = this.#timer.schedule(waitMs, () => {
      this.stop();
      this.#ring();
    });
  }

  /** Makes sure that it rings in so many milliseconds or before. */
  in(delayMs: number): void {
    this.by(this.#timer.now() + delayMs);
  }

  stop(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }
}
