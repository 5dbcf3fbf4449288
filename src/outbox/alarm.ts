import type { ClockTimer } from "../timer.ts";

/** Longest wait, in milliseconds: what waits for a time of day must be looked at again, since the wall clock can step. */
const MAX_WAIT_MS = 60_000;

/** One timer for many deadlines: rings at the earliest that it was asked for, or before. */
export class Alarm {
  readonly #timer: ClockTimer;
  readonly #ring: () => void;
  #at = Number.POSITIVE_INFINITY;
  #callOff: (() => void) | undefined;

  constructor(timer: ClockTimer, ring: () => void) {
    this.#timer = timer;
    this.#ring = ring;
  }

  /** Rings after this many milliseconds at the latest. */
  in(delayMs: number): void {
    const wait = Math.ceil(Math.min(Math.max(0, delayMs), MAX_WAIT_MS));
    const at = this.#timer.now() + wait;
    if (at >= this.#at) return;
    this.#callOff?.();
    this.#at = at;
    this.#callOff = this.#timer.schedule(wait, () => {
      this.stop();
      this.#ring();
    });
  }

  stop(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }
}
