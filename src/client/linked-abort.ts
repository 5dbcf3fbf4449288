/** An abort that follows others. */
export interface LinkedAbort {
  readonly signal: AbortSignal;
  /** Aborts this one only. */
  readonly abort: () => void;
  /** Stops following; long-lived signals must not collect listeners of ended calls. */
  readonly unlink: () => void;
}

/** Makes a signal that aborts when one of the others does, or when it is told to. */
export function linkedAbort(...signals: readonly (AbortSignal | undefined)[]): LinkedAbort {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const followed = signals.filter((signal) => signal !== undefined);
  for (const signal of followed) signal.addEventListener("abort", abort);
  if (followed.some((signal) => signal.aborted)) abort();
  return {
    signal: controller.signal,
    abort,
    unlink: () => {
      for (const signal of followed) signal.removeEventListener("abort", abort);
    },
  };
}
