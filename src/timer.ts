/** Calls back later. */
export interface Timer {
  /** Calls back once after `delayMs`; the returned function calls it off. */
  readonly schedule: (delayMs: number, callback: () => void) => () => void;
}

/** The system's timer. It does not keep the process running. */
export const systemTimer: Timer = {
  schedule: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs).unref();
    return () => clearTimeout(timer);
  },
};
