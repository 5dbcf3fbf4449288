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
  try {
    const problem = findProblem(database) ?? (version === MIGRATED_VERSION ? undefined : findLoss(database));
    if (problem !== undefined) throw corrupt(file, problem);
  } catch (error) {
    if (sqliteCode(error) !== SQLITE_ERROR) throw error;
    throw corrupt(file, `its tables are not those of an event log: ${sqliteFailure(error).text}`, error);
  }
}

function findProblem(database: DatabaseSync): string | undefined {
  const state = row(database, "SELECT earliest, head FROM log_state");
  if (state === undefined) return "its state row is missing";
  const first = row(database, "SELECT * FROM events ORDER BY sequence LIMIT 1");
  const last = row(database, "SELECT * FROM events ORDER BY sequence DESC LIMIT 1");
  const { earliest, head } = state as { earliest: bigint; head: bigint };
  if (first === undefined || last === undefined)
    return earliest === head ? undefined : "its events are missing";
  if (first.sequence !== earliest + 1n) return "its first events are missing";
  if (last.sequence !== head) return "its last events are missing";
  const { message_id, rank, channel, occur_time, fingerprint } = last;
  const found = row(database, BY_IDENTITY, message_id, rank, channel, occur_time, fingerprint);
  return found?.sequence === head ? undefined : "its index does not fit its events";
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
