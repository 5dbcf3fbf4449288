/** Longest wait after failures, in milliseconds. A longer Retry-After is cut to the same by the client. */
export const MAX_PULL_BACKOFF_MS = 5 * 60_000;
/** Shortest wait after a failure, in milliseconds: chance alone may say nothing. */
export const MIN_PULL_BACKOFF_MS = 100;

/** What the wait after a failure is made of. */
export interface PullBackoff {
  /** Failures in a row, from 1. */
  readonly failures: number;
  /** Upper bound of the wait after the first one, in milliseconds; doubles with each further one. */
  readonly firstMs: number;
  /** Upper bound of all waits, in milliseconds. Default {@link MAX_PULL_BACKOFF_MS}. */
  readonly maxMs?: number;
  /** The other side's own wish, in milliseconds: never waited less. */
  readonly retryDelayMs?: number | undefined;
  /** From 0 up to, not with, 1. */
  readonly random: () => number;
}

/** Wait before the next try, in milliseconds: exponential with full jitter, so that many services do not come back at once. */
export function pullBackoffMs(backoff: PullBackoff): number {
  const { failures, firstMs, maxMs = MAX_PULL_BACKOFF_MS, retryDelayMs = 0, random } = backoff;
  const ceiling = Math.min(maxMs, firstMs * 2 ** (failures - 1));
  return Math.max(MIN_PULL_BACKOFF_MS, retryDelayMs, Math.floor(random() * ceiling));
}
