import type { ClockTimer } from "../../../timer.ts";

/** Longest wait that is asked of the timer at once; some timers take no more than 2^31 ms. */
const MAX_DELAY_MS = 3_600_000;

/** One timer for many deadlines: rings at the earliest time that it was asked for. */
export class Alarm {
  readonly #timer: ClockTimer;
  readonly #ring: () => void;
  #at = Number.POSITIVE_INFINITY;
  #callOff: (() => void) | undefined;

  /** `ring` may come early, and asks again for what is still to come. */
  constructor(timer: ClockTimer, ring: () => void) {
    this.#timer = timer;
    this.#ring = ring;
  }

  /** Makes sure that it rings at this time of the timer's clock or before. */
  by(time: number): void {
    if (time >= this.#at) return;
    this.#callOff?.();
    this.#at = time;
    const delay = Math.min(Math.max(0, Math.ceil(time - this.#timer.now())), MAX_DELAY_MS);
    this.#callOff = this.#timer.schedule(delay, () => {
      this.#callOff = undefined;
      this.#at = Number.POSITIVE_INFINITY;
      this.#ring();
    });
  }

  stop(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }
}
