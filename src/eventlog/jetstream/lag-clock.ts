import type { ClockTimer } from "../../timer.ts";

/** Time that the replica may be behind the stream, in milliseconds. */
export const MAX_LAG_MS = 30_000;

/** Measures for how long a replica has been behind the stream, which it always is by a little. */
export class LagClock {
  readonly #timer: Pick<ClockTimer, "now">;
  #target = 0;
  #seenAt: number;

  constructor(timer: Pick<ClockTimer, "now">) {
    this.#timer = timer;
    this.#seenAt = timer.now();
  }

  /** The stream ends at a sequence, the replica at a position. */
  see(lastSequence: number, position: number): void {
    if (position < this.#target) return;
    this.#target = lastSequence;
    this.#seenAt = this.#timer.now();
  }

  /** Whether the replica lacks what the stream had half a minute ago. */
  isBehind(position: number): boolean {
    return position < this.#target && this.#timer.now() - this.#seenAt > MAX_LAG_MS;
  }
}
