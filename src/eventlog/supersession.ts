/** What decides between two pieces of news of one message; columns of their events. */
export interface StatusMark {
  readonly rank: number;
  readonly channel: number;
  /** Unix milliseconds; 0 when it is not known. */
  readonly occurTimeMs: number;
}

// Values of StatusRank in ../infobip/status-rank.ts; test/supersession.test.ts compares them.
const ACCEPTED = 2;
const DELIVERED = 6;

/** Most earlier statuses of one message, the strongest first, that are compared with a new one. */
export const MAX_COMPARED_STATUSES = 64;

/**
 * Whether news comes too late to matter, given the statuses of its message
 * that were stored before it. News that tells no status (rank 0) is never
 * superseded. On one channel the stronger status wins, and of two equal ones
 * the newer. Across channels, which are the steps of a failover, the newer
 * wins, whatever each says; but nothing that is weaker comes after a delivery,
 * and nothing of the send itself after any report.
 */
export function isSuperseded(news: StatusMark, earlier: Iterable<StatusMark>): boolean {
  if (news.rank === 0) return false;
  for (const known of earlier) if (outranks(known, news)) return true;
  return false;
}

function outranks(known: StatusMark, news: StatusMark): boolean {
  if (known.rank === 0) return false;
  const isStronger = known.rank > news.rank;
  if (isStronger && (known.rank >= DELIVERED || news.rank <= ACCEPTED)) return true;
  const areTimesKnown = known.occurTimeMs > 0 && news.occurTimeMs > 0;
  const isNewer = areTimesKnown && known.occurTimeMs > news.occurTimeMs;
  if (known.channel === news.channel || known.channel === 0 || news.channel === 0) {
    return isStronger || (known.rank === news.rank && isNewer);
  }
  if (news.rank >= DELIVERED) return known.rank === news.rank && isNewer;
  return areTimesKnown ? isNewer : isStronger;
}
