/** Takes back a timer; without effect once it has run. */
export type CancelTimer = () => void;

/** Time as the simulator sees it. Replace it to run hours of retries in no time. */
export interface SimulatorClock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `run` once, `delayMs` from now. */
  setTimer(delayMs: number, run: () => void): CancelTimer;
}

/** Longest delay that Node's timers take; longer waits are made of several. */
const MAX_TIMER_MS = 2_147_483_647;

/** The machine's own clock. Its timers never keep the process alive. */
export const systemClock: SimulatorClock = {
  now: Date.now,
  setTimer(delayMs, run) {
    let remaining = delayMs;
    let timer: NodeJS.Timeout;
    const arm = () => {
      const part = Math.min(remaining, MAX_TIMER_MS);
      remaining -= part;
      timer = setTimeout(() => (remaining > 0 ? arm() : run()), part);
      timer.unref();
    };
    arm();
    return () => clearTimeout(timer);
  },
};
