/** Time and chance as the client needs them. */
export interface ClientPorts {
  /** Calls back once after `delayMs`; the returned function calls it off. */
  readonly schedule: (delayMs: number, callback: () => void) => () => void;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
}

/** Those of this process. Timers keep it running, as a stream that is waited for does. */
export const SYSTEM_PORTS: ClientPorts = {
  schedule: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  now: Date.now,
  random: Math.random,
};

/** Resolves after the time, or at once when the signal aborts. Never rejects. */
export function pause(ports: ClientPorts, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = ports.schedule(delayMs, end);
    signal.addEventListener("abort", end);
  });
}
