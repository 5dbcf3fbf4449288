import type { DatabaseSync } from "node:sqlite";
import { corrupt } from "./open-failure.ts";
import { sqliteCode, sqliteFailure } from "./sqlite-error.ts";
import { MIGRATED_VERSION } from "./tables.ts";

/** Reads a row through the index that keeps events apart, and fails when there is none. */
const BY_IDENTITY =
  "SELECT sequence FROM events INDEXED BY events_identity " +
  "WHERE message_id = ? AND rank = ? AND channel = ? AND occur_time = ? AND fingerprint = ?";
/** What cannot be read without the tables, indexes and state rows of what was sent. */
const SENDING =
  "SELECT last_number, bytes, (SELECT id FROM answers INDEXED BY answers_id ORDER BY id LIMIT 1), " +
  "(SELECT id FROM submissions INDEXED BY submissions_id ORDER BY id LIMIT 1), " +
  "(SELECT count(*) FROM submission_totals) FROM submission_state, answer_state";
/** Sequences of the first and last event by what the log says of itself; they count for nothing when it is empty. */
const LOG_STATE = "SELECT earliest + 1 AS first, head AS last, earliest = head AS is_empty FROM log_state";
/** The same of a replica, whose sequences have gaps: its first event may be any after the earliest position. */
const REPLICA_STATE =
  "SELECT (SELECT sequence FROM events WHERE sequence > earliest ORDER BY sequence LIMIT 1) AS first, " +
  "last_event AS last, events = 0 AS is_empty FROM replica_state, log_state";
/** SQLITE_ERROR: a table, column or index is missing. */
const SQLITE_ERROR = 1;

/**
 * Looks at a log's state and at its first and last event, whole, so that a
 * file which was cut off or put together from parts is refused on opening. The
 * work does not grow with the file: damage in between shows when it is read.
 *
 * @throws EventLogOpenError CORRUPT, or an error of node:sqlite
 */
export function requireSoundLog(database: DatabaseSync, file: string, version: number): void {
  const find = () =>
    findProblem(database, LOG_STATE) ?? (version === MIGRATED_VERSION ? undefined : findLoss(database));
  requireNone(file, find);
}

/** Looks at a replica as {@link requireSoundLog} does at a log. @throws EventLogOpenError CORRUPT, or an error of node:sqlite */
export function requireSoundReplica(database: DatabaseSync, file: string): void {
  requireNone(file, () => findProblem(database, REPLICA_STATE) ?? findLoss(database));
}

function requireNone(file: string, find: () => string | undefined): void {
  try {
    const problem = find();
    if (problem !== undefined) throw corrupt(file, problem);
  } catch (error) {
    if (sqliteCode(error) !== SQLITE_ERROR) throw error;
    throw corrupt(file, `its tables are not those of an event log: ${sqliteFailure(error).text}`, error);
  }
}

function findProblem(database: DatabaseSync, stateQuery: string): string | undefined {
  const state = row(database, stateQuery);
  if (state === undefined) return "its state row is missing";
  const first = row(database, "SELECT * FROM events ORDER BY sequence LIMIT 1");
  const last = row(database, "SELECT * FROM events ORDER BY sequence DESC LIMIT 1");
  const isEmpty = state.is_empty === 1n;
  if (first === undefined || last === undefined) return isEmpty ? undefined : "its events are missing";
  if (isEmpty) return "it holds events that were removed";
  if (first.sequence !== state.first) return "its first events are missing";
  if (last.sequence !== state.last) return "its last events are missing";
  const { message_id, rank, channel, occur_time, fingerprint } = last;
  const found = row(database, BY_IDENTITY, message_id, rank, channel, occur_time, fingerprint);
  return found?.sequence === state.last ? undefined : "its index does not fit its events";
}

function findLoss(database: DatabaseSync): string | undefined {
  return row(database, SENDING) === undefined ? "the state rows of what was sent are missing" : undefined;
}

type Value = string | number | bigint | Uint8Array | null;

/** Reads integers as bigint: a fingerprint fills all 64 bits. */
function row(
  database: DatabaseSync,
  sql: string,
  ...values: (Value | undefined)[]
): Record<string, Value> | undefined {
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  return statement.get(...values.map((value) => value ?? null)) as Record<string, Value> | undefined;
}
