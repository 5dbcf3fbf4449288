import type { SimulatorClock } from "./clock.ts";

const SECOND_MS = 1_000;

/** Lets a number of requests through in each second of the clock. */
export class RateWindow {
  readonly #clock: SimulatorClock;
  readonly #perSecond: number;
  #second = -1;
  #used = 0;

  /** @param perSecond Requests a second; Infinity for no limit. */
  constructor(clock: SimulatorClock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
  }

  take(): boolean {
    const second = Math.floor(this.#clock.now() / SECOND_MS);
    if (second !== this.#second) {
      this.#second = second;
      this.#used = 0;
    }
    this.#used++;
    return this.#used <= this.#perSecond;
  }
}
