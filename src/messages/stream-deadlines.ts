import type { ClockTimer } from "../timer.ts";

/** Something that has until a time, on the clock of the timer, in milliseconds. */
export interface Limited {
  readonly deadline: number;
  /** Called when the time has passed. Must not throw. */
  readonly expire: () => void;
}

/**
 * Watches the deadlines of a changing set with one timer: most of them never
 * pass, so nothing is done for one that ends before. The timer runs for the
 * earliest that was set; when it fires all are looked at.
 */
export class Deadlines implements Disposable {
  readonly #timer: ClockTimer;
  readonly #open: ReadonlySet<Limited>;
  #armedFor = Number.POSITIVE_INFINITY;
  #callOff: () => void = () => undefined;

  /** `open` is the caller's to change; one that is added is to be told by {@link watch}. */
  constructor(timer: ClockTimer, open: ReadonlySet<Limited>) {
    this.#timer = timer;
    this.#open = open;
  }

  /** Minds a deadline. */
  watch(deadline: number): void {
    if (deadline >= this.#armedFor) return;
    this.#callOff();
    this.#armedFor = deadline;
    this.#callOff = this.#timer.schedule(Math.max(0, deadline - this.#timer.now()), this.#look);
  }

  readonly #look = (): void => {
    const now = this.#timer.now();
    this.#armedFor = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const one of this.#open) {
      if (one.deadline <= now) one.expire();
      else next = Math.min(next, one.deadline);
    }
    this.watch(next);
  };

  [Symbol.dispose](): void {
    this.#callOff();
    this.#armedFor = Number.NEGATIVE_INFINITY;
  }
}
