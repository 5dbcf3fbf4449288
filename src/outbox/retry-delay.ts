/** Bound of the wait after a first failure, in milliseconds. */
const BASE_MS = 1_000;
/** Longest wait beyond what the upstream asks for, in milliseconds. */
const CAP_MS = 60_000;
/** Doublings after which the cap is reached. */
const MAX_DOUBLINGS = 6;

/**
 * Wait before a submission is tried again, in milliseconds: what the upstream
 * asks for, and up to a bound that doubles with each failure at random on top,
 * so that submissions that failed together do not come back together.
 */
export function submissionRetryMs(
  failures: number,
  retryAfterMs: number | undefined,
  random: () => number,
): number {
  const doublings = Math.min(Math.max(0, failures - 1), MAX_DOUBLINGS);
  return Math.ceil((retryAfterMs ?? 0) + random() * Math.min(CAP_MS, BASE_MS * 2 ** doublings));
}
