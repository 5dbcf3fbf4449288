/** With no answer at all one more request may go after so long, in milliseconds. */
export const WINDOW_STEP_MS = 1_000;

/**
 * How many requests may be under way at once after Infobip has asked for a
 * pause or has been away: first one, then one more with each answer that it
 * takes, so that what has piled up meanwhile does not come all at once. One
 * that hangs holds up the others for a moment only.
 */
export class RequestWindow {
  readonly #most: number;
  readonly #now: () => number;
  #size: number;
  /** Of the requests that left since it was narrowed last. */
  #underWay = 0;
  #epoch = 0;
  #steppedMs = 0;

  /** Begins with `most`. */
  constructor(most: number, now: () => number) {
    this.#most = most;
    this.#size = most;
    this.#now = now;
  }

  /** Which window a request belongs to, to be given back with its end. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Lets one request at a time go, from a time of the clock on. */
  narrow(fromMs: number): void {
    this.#size = 1;
    this.#underWay = 0;
    this.#epoch++;
    this.#steppedMs = fromMs;
  }

  /** Milliseconds until another request may go, if none ends before; 0: at once. */
  waitMs(): number {
    if (this.#size >= this.#most || this.#underWay < this.#size) return 0;
    const waitMs = this.#steppedMs + WINDOW_STEP_MS - this.#now();
    if (waitMs > 0) return waitMs;
    this.#steppedMs = this.#now();
    this.#size++;
    return 0;
  }

  /** A request leaves. */
  started(): void {
    this.#underWay++;
  }

  /** A request of a window has ended; `isTaken`: Infobip took it. */
  ended(epoch: number, isTaken: boolean): void {
    if (epoch !== this.#epoch) return;
    this.#underWay--;
    if (isTaken && this.#size < this.#most) this.#size++;
  }
}
