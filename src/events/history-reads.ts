import { ServiceError } from "../errors.ts";
import type { EventLog, EventRecord, ReadOptions } from "../eventlog/event-log.ts";
import type { EventPredicate } from "../eventlog/filter.ts";
import type { EventPage } from "./event-page.ts";
import type { ReplayTurns } from "./replay-turns.ts";

/** Most events that one call examines. */
export const MAX_EXAMINED = 50_000;
/** Most events examined in one turn of the event loop. */
export const PIECE = 256;

/** What the history methods work with. */
export interface HistoryOptions {
  readonly log: EventLog;
  /** Where reads wait for their turn; the same one that WatchEvents uses. */
  readonly turns: ReplayTurns;
}

/** One reading of the log's past, for one page. */
export interface HistoryRead extends HistoryOptions {
  /** Events after this position are wanted. */
  readonly position: number;
  /** Events up to this position are wanted. */
  readonly end: number;
  readonly page: EventPage;
  readonly matches: EventPredicate | undefined;
  readonly includeRaw: boolean;
  readonly signal: AbortSignal;
}

/** Bounds of one read of the log. */
export function readOptions(read: HistoryRead, limit: number, maxBytes: number): ReadOptions {
  const { matches, includeRaw } = read;
  return { limit, maxBytes, includeRaw, ...(matches === undefined ? {} : { matches }) };
}

/** Takes records up to `end` onto the page; gives the position reached, which is `examinedTo` when all of them fitted. */
export function takeRecords(
  read: HistoryRead,
  records: readonly EventRecord[],
  after: number,
  examinedTo: number,
): number {
  let position = after;
  for (const record of records) {
    if (record.sequence > read.end) break;
    if (!read.page.add(record)) return position;
    position = record.sequence;
  }
  return Math.min(examinedTo, read.end);
}

/** Whether a read failed because retention has removed what it was to read. */
export function isExpired(error: unknown): boolean {
  return error instanceof ServiceError && error.reason === "CURSOR_EXPIRED";
}
