import type { Logger } from "./log.ts";
import type {
  FetchFailure,
  HeldPage,
  LostPage,
  PullEvents,
  PullSource,
  StoredPage,
} from "./webhook/pull-events.ts";

/** Least time between two lines about one and the same trouble, in milliseconds. */
export const REPEATED_LINE_MS = 5 * 60_000;

const REFUSED =
  "Infobip refuses the fetch; the API key needs the scope message:send for reports, inbound-message:read for inbound messages, or messages-api:manage for both";

interface Trouble {
  reason: string;
  loggedAt: number;
}

/**
 * Writes what happens to the pollers as log lines: pages at debug level,
 * trouble louder, and the same trouble again only once in a while.
 * @param now Milliseconds on any clock.
 */
export function logPullEvents(log: Logger, now: () => number): PullEvents {
  const fetching = new Map<string, Trouble>();
  return {
    stored: (source, page) => {
      const fields = fieldsOf(source);
      if (fetching.delete(keyOf(source))) log.info("Infobip hands out pages again", fields);
      logStored(log, fields, page);
    },
    fetchFailed: (source, failure) => {
      if (isNews(fetching, keyOf(source), failure.error.reason, now())) logFailure(log, source, failure);
    },
    held: (source, held) => logHeld(log, source, held),
    lost: (source, loss) => logLoss(log, source, loss),
  };
}

function isNews(troubles: Map<string, Trouble>, key: string, reason: string, now: number): boolean {
  const known = troubles.get(key);
  if (known?.reason === reason && now - known.loggedAt < REPEATED_LINE_MS) return false;
  troubles.set(key, { reason, loggedAt: now });
  return true;
}

function logStored(
  log: Logger,
  fields: ReturnType<typeof fieldsOf>,
  { receipt, storeAttempts }: StoredPage,
): void {
  const { items, duplicates, unparsed } = receipt;
  const counts = { ...fields, count: items, duplicates, attempt: storeAttempts };
  if (storeAttempts > 1) log.info("page stored at last", { ...counts, unparsed });
  else if (unparsed > 0) log.warn("page stored, with items that could not be read", { ...counts, unparsed });
  else if (items > 0) log.debug("page stored", counts);
}

function logFailure(log: Logger, source: PullSource, { error, failures, delayMs }: FetchFailure): void {
  const { reason } = error;
  const isRefused = reason === "UPSTREAM_CREDENTIALS_REJECTED" || reason === "UPSTREAM_FORBIDDEN";
  log.warn(isRefused ? REFUSED : "nothing could be fetched from Infobip; it is tried again", {
    ...fieldsOf(source),
    reason,
    attempt: failures,
    delayMs,
    error,
  });
}

/** The first line tells it, the readiness probe the rest. */
function logHeld(log: Logger, source: PullSource, { bytes, storeAttempts, delayMs, error }: HeldPage): void {
  if (storeAttempts > 1) return;
  log.error("the event log does not take a fetched page; it is kept in memory and tried again", {
    ...fieldsOf(source),
    bytes,
    delayMs,
    error,
  });
}

function logLoss(log: Logger, source: PullSource, { reason, bytes, error }: LostPage): void {
  const fields = { ...fieldsOf(source), reason, bytes, error };
  if (reason === "STOPPED_FETCHING")
    log.warn("a fetch was broken off; what it was handing out may be lost", fields);
  else log.error("a fetched page is lost", fields);
}

function keyOf({ route, channel }: PullSource): string {
  return channel ?? route;
}

function fieldsOf({ route, channel }: PullSource) {
  return {
    component: "pull",
    method: route === "delivery" ? "/messages-api/1/reports" : "/messages-api/1/inbound",
    channel,
  };
}
