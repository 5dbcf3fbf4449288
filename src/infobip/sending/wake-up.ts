import type { ClockTimer } from "../../timer.ts";

/** Longest wait that is asked of the timer at once, in milliseconds; some take no more than 2^31. */
const MAX_DELAY_MS = 3_600_000;

/** One timer for all that the queue waits for: rings at the earliest time that it was asked for. */
export class WakeUp {
  readonly #timer: ClockTimer;
  readonly #ring: () => void;
  #time = Number.POSITIVE_INFINITY;
  #callOff: (() => void) | undefined;

  /** `ring` may come early, and asks again for what is still to come. */
  constructor(timer: ClockTimer, ring: () => void) {
    this.#timer = timer;
    this.#ring = ring;
  }

  /** Makes sure that it rings at this time of the timer's clock or before. Infinite: no need. */
  by(time: number): void {
    if (time >= this.#time) return;
    this.#callOff?.();
    this.#time = time;
    const delayMs = Math.min(Math.max(0, Math.ceil(time - this.#timer.now())), MAX_DELAY_MS);
    this.#callOff = this.#timer.schedule(delayMs, () => {
      this.stop();
      this.#ring();
    });
  }

  stop(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    this.#time = Number.POSITIVE_INFINITY;
  }
}
