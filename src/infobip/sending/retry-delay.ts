/** Upper bound of the random part before the first retry, in milliseconds. Doubles with each attempt. */
export const RETRY_BASE_MS = 100;
/** Longest random part, in milliseconds. */
export const RETRY_CAP_MS = 10_000;

/** What the wait before a retry depends on. */
export interface RetryDelayOptions {
  /** Attempts made so far, from 1. */
  readonly attempt: number;
  /** What Infobip asked for, in milliseconds; undefined when it asked for nothing. */
  readonly retryAfterMs: number | undefined;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Default {@link RETRY_BASE_MS}. */
  readonly baseMs?: number;
  /** Default {@link RETRY_CAP_MS}. */
  readonly capMs?: number;
}

/** Wait before the next attempt, in milliseconds: what Infobip asked for and a random part on top ("full jitter"), so that retries do not come together. */
export function retryDelayMs({
  attempt,
  retryAfterMs = 0,
  random,
  baseMs = RETRY_BASE_MS,
  capMs = RETRY_CAP_MS,
}: RetryDelayOptions): number {
  return retryAfterMs + random() * Math.min(capMs, baseMs * 2 ** (attempt - 1));
}
