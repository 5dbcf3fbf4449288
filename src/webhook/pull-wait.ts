import type { Timer } from "../timer.ts";

/** Waits, at most until one of the signals aborts. Never rejects. */
export function waitFor(timer: Timer, delayMs: number, ...signals: readonly AbortSignal[]): Promise<void> {
  if (delayMs <= 0 || signals.some((signal) => signal.aborted)) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      for (const signal of signals) signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = timer.schedule(delayMs, end);
    for (const signal of signals) signal.addEventListener("abort", end);
  });
}

/**
 * The work's result; rejects with the signal's reason when that aborts first.
 * Work that has begun then goes on unobserved; what has not never begins.
 */
export async function orAborted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
