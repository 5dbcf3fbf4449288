/** Time as a watch needs it. */
export interface WatchTimer {
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
  /** Calls back once after `delayMs`; the returned function calls it off. */
  readonly schedule: (delayMs: number, callback: () => void) => () => void;
}

/** The system's timer. It does not keep the process running: the stream's connection does. */
export const systemWatchTimer: WatchTimer = {
  now: () => performance.now(),
  schedule: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs).unref();
    return () => clearTimeout(timer);
  },
};
