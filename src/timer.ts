/** Calls back later. */
export interface Timer {
  /** Calls back once after `delayMs`; the returned function calls it off. */
  readonly schedule: (delayMs: number, callback: () => void) => () => void;
}

/** Calls back later, and tells how much time has passed. */
export interface ClockTimer extends Timer {
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
}

/** The system's timer. It does not keep the process running. */
export const systemTimer: ClockTimer = {
  now: () => performance.now(),
  schedule: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs).unref();
    return () => clearTimeout(timer);
  },
};
