import type { ClockTimer } from "../timer.ts";

interface Waiter {
  readonly dueAt: number;
  readonly end: () => void;
}

/** Those who wait for something, none longer than a time that is the same for all: one timer serves them. */
export class BoundedWaits {
  readonly #maxWaitMs: number;
  readonly #timer: ClockTimer;
  /** In the order in which they are due. */
  readonly #waiters = new Set<Waiter>();
  #cancelTimer: (() => void) | undefined;

  constructor(maxWaitMs: number, timer: ClockTimer) {
    this.#maxWaitMs = maxWaitMs;
    this.#timer = timer;
  }

  /** Resolves when the work has settled, the time is up or the signal aborts. The work must not reject. */
  until(work: Promise<void>, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        if (!this.#waiters.delete(waiter)) return;
        signal.removeEventListener("abort", end);
        resolve();
      };
      const waiter: Waiter = { dueAt: this.#timer.now() + this.#maxWaitMs, end };
      this.#waiters.add(waiter);
      signal.addEventListener("abort", end);
      void work.then(end);
      this.#cancelTimer ??= this.#timer.schedule(this.#maxWaitMs, this.#endDue);
    });
  }

  /** Calls off the timer. Whoever still waits is held by the work and the signal only. */
  [Symbol.dispose](): void {
    this.#cancelTimer?.();
  }

  readonly #endDue = (): void => {
    this.#cancelTimer = undefined;
    const now = this.#timer.now();
    for (const waiter of this.#waiters) {
      if (waiter.dueAt > now) {
        this.#cancelTimer = this.#timer.schedule(waiter.dueAt - now, this.#endDue);
        return;
      }
      waiter.end();
    }
  };
}
