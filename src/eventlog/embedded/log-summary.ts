import { statSync } from "node:fs";
import type { LogState, ReadOnlyLog } from "./read-only-log.ts";
import { decodeState } from "./subscriptions/subscription-state.ts";

/** Most subscriptions in a summary. */
export const MAX_SUMMARISED_SUBSCRIPTIONS = 1_000;

/** Events of one kind on one channel. */
export interface EventCount {
  /** Number of EventType. */
  readonly type: number;
  /** Number of Channel. */
  readonly channel: number;
  readonly events: number;
  readonly final: number;
  readonly superseded: number;
}

/** How far a subscription has come, as it is stored. */
export interface SubscriptionSummary {
  readonly id: string;
  /** Everything up to here was examined; undefined when the state cannot be decoded. */
  readonly position: number | undefined;
  /** Events after the position, which may or may not match. */
  readonly lag: number | undefined;
  /** Events up to the position that are delivered and not settled, or wait to be delivered again. */
  readonly unsettled: number | undefined;
  readonly deadLetters: number;
  /** Unix milliseconds; undefined without dead letters. */
  readonly oldestDeadTimeMs: number | undefined;
}

/** Bytes on disk. */
export interface StorageSummary {
  readonly fileBytes: number;
  /** Of the file, without what is free for reuse. */
  readonly usedBytes: number;
  readonly freePages: number;
  readonly pageBytes: number;
  /** Of the write-ahead log, which is moved into the file now and then. */
  readonly walBytes: number;
}

/** Submissions in one state. */
export interface SubmissionStateCount {
  /** Number of SubmissionState. */
  readonly state: number;
  readonly submissions: number;
  /** Of what is to be sent, and of what became of it. */
  readonly bytes: number;
}

/** Answers to calls with a request id. */
export interface AnswerSummary {
  /** Those whose time has passed included, until they are removed. */
  readonly count: number;
  readonly bytes: number;
  /** Unix milliseconds; undefined without answers. */
  readonly oldestTimeMs: number | undefined;
}

/** What is in a log. */
export interface LogSummary {
  readonly state: LogState;
  /** Record times of the first and last event, Unix milliseconds; undefined in an empty log. */
  readonly firstTimeMs: number | undefined;
  readonly lastTimeMs: number | undefined;
  readonly counts: readonly EventCount[];
  readonly storage: StorageSummary;
  /** At most {@link MAX_SUMMARISED_SUBSCRIPTIONS}, by id. */
  readonly subscriptions: readonly SubscriptionSummary[];
  readonly deadLetters: number;
  /** Unix milliseconds; undefined without dead letters. */
  readonly oldestDeadTimeMs: number | undefined;
  readonly answers: AnswerSummary;
  /** By state; none for a state that no submission is in. */
  readonly submissions: readonly SubmissionStateCount[];
}

/** Looks at the whole log once, so it takes as long as reading the file. @throws an error of node:sqlite */
export function summariseLog(file: ReadOnlyLog): LogSummary {
  const subscriptions = summariseSubscriptions(file);
  const deadLetters = file.database
    .prepare("SELECT count(*) AS letters, min(dead_time) AS oldest FROM dead_letters")
    .get();
  const { first, last } = recordTimes(file);
  return {
    state: file.state(),
    firstTimeMs: first,
    lastTimeMs: last,
    counts: countEvents(file),
    storage: measure(file),
    subscriptions,
    deadLetters: Number(deadLetters?.letters ?? 0),
    oldestDeadTimeMs: numberOrNone(deadLetters?.oldest),
    answers: summariseAnswers(file),
    submissions: countSubmissions(file),
  };
}

function summariseAnswers({ database }: ReadOnlyLog): AnswerSummary {
  const sql =
    "SELECT answers, bytes, (SELECT save_time FROM answers ORDER BY number LIMIT 1) AS oldest FROM answer_state";
  const row = database.prepare(sql).get();
  return {
    count: Number(row?.answers ?? 0),
    bytes: Number(row?.bytes ?? 0),
    oldestTimeMs: numberOrNone(row?.oldest),
  };
}

function countSubmissions({ database }: ReadOnlyLog): SubmissionStateCount[] {
  const sql = "SELECT state, submissions, bytes FROM submission_totals WHERE submissions > 0 ORDER BY state";
  const rows = database.prepare(sql).all() as unknown as SubmissionStateCount[];
  return rows.map((row) => ({ ...row }));
}

function countEvents({ database }: ReadOnlyLog): EventCount[] {
  const sql =
    "SELECT type, channel, count(*) AS events, sum(final) AS final, sum(superseded) AS superseded " +
    "FROM events GROUP BY type, channel ORDER BY type, channel";
  const rows = database.prepare(sql).all() as unknown as EventCount[];
  return rows.map((row) => ({ ...row }));
}

function recordTimes({ database }: ReadOnlyLog): { first: number | undefined; last: number | undefined } {
  const timeOf = (order: "ASC" | "DESC"): number | undefined =>
    numberOrNone(
      database.prepare(`SELECT record_time FROM events ORDER BY sequence ${order} LIMIT 1`).get()
        ?.record_time,
    );
  return { first: timeOf("ASC"), last: timeOf("DESC") };
}

function measure({ database, path }: ReadOnlyLog): StorageSummary {
  const pragma = (name: string): number =>
    Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  const pageBytes = pragma("page_size");
  const freePages = pragma("freelist_count");
  const pages = pragma("page_count");
  const walBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  return {
    fileBytes: statSync(path).size,
    usedBytes: (pages - freePages) * pageBytes,
    freePages,
    pageBytes,
    walBytes,
  };
}

function summariseSubscriptions(file: ReadOnlyLog): SubscriptionSummary[] {
  const sql =
    "SELECT id, state, (SELECT head FROM log_state) AS head, count(sequence) AS letters, min(dead_time) AS oldest " +
    "FROM subscriptions LEFT JOIN dead_letters ON subscription_id = id GROUP BY id ORDER BY id LIMIT ?";
  const rows = file.database.prepare(sql).all(MAX_SUMMARISED_SUBSCRIPTIONS);
  return rows.map((row) => {
    const progress = progressOf(row.state as Uint8Array);
    return {
      id: String(row.id),
      position: progress?.position,
      lag: progress && Math.max(0, Number(row.head) - progress.position),
      unsettled: progress?.unsettled,
      deadLetters: Number(row.letters),
      oldestDeadTimeMs: numberOrNone(row.oldest),
    };
  });
}

function progressOf(state: Uint8Array): { position: number; unsettled: number } | undefined {
  try {
    const { position, unsettled } = decodeState(state);
    return { position, unsettled: unsettled.size };
  } catch {
    return undefined;
  }
}

function numberOrNone(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}
