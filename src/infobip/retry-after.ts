/** Wait when Infobip names none, in milliseconds. */
export const DEFAULT_RETRY_DELAY_MS = 1_000;
/** Shortest wait that is passed on, in milliseconds: a wait of nothing makes clients repeat in a tight loop. */
export const MIN_RETRY_DELAY_MS = 100;
/** Longest wait that is passed on, in milliseconds. */
export const MAX_RETRY_DELAY_MS = 5 * 60_000;

/**
 * Reads a Retry-After header, seconds or HTTP date, as milliseconds from `now`,
 * between {@link MIN_RETRY_DELAY_MS} and {@link MAX_RETRY_DELAY_MS}.
 */
export function readRetryAfter(header: string | readonly string[] | undefined, now: number): number {
  const text = (typeof header === "string" ? header : header?.[0])?.trim() ?? "";
  const isDate = text.endsWith("GMT");
  const delay = /^\d{1,10}$/.test(text) ? Number(text) * 1000 : isDate ? Date.parse(text) - now : Number.NaN;
  if (!Number.isFinite(delay)) return DEFAULT_RETRY_DELAY_MS;
  return Math.min(Math.max(delay, MIN_RETRY_DELAY_MS), MAX_RETRY_DELAY_MS);
}
