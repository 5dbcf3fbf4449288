import type { CancelTimer, SimulatorClock } from "./clock.ts";

/** The timers of one simulator, so that closing it leaves none behind. */
export class TimerSet {
  readonly #clock: SimulatorClock;
  readonly #cancels = new Set<CancelTimer>();
  #closed = false;

  constructor(clock: SimulatorClock) {
    this.#clock = clock;
  }

  /** Calls `run` after `delayMs`, unless the set is closed before. */
  after(delayMs: number, run: () => void): CancelTimer {
    if (this.#closed) return () => {};
    const cancelTimer = this.#clock.setTimer(delayMs, () => {
      this.#cancels.delete(cancel);
      run();
    });
    const cancel = () => {
      this.#cancels.delete(cancel);
      cancelTimer();
    };
    this.#cancels.add(cancel);
    return cancel;
  }

  /** Cancels every timer and takes no more. */
  close(): void {
    this.#closed = true;
    this.cancelAll();
  }

  /** Cancels every timer. */
  cancelAll(): void {
    for (const cancel of [...this.#cancels]) cancel();
  }
}
