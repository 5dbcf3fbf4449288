import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { corrupt, EventLogOpenError, inaccessible } from "./open-failure.ts";
import { notALog, requireOwnSchema, requireReplicaSchema } from "./schema.ts";
import { isCannotOpen, isCorrupt, isNotADatabase, sqliteFailure } from "./sqlite-error.ts";

/** Where a log began and ended when it was looked at. */
export interface LogState {
  /** 16 lower-case hex digits. */
  readonly logId: string;
  readonly earliest: number;
  readonly head: number;
  /** Unix milliseconds; 0 in a log that never had an event. */
  readonly lastRecordTimeMs: number;
}

/**
 * The file of a log or of a replica, opened to be looked at: read-only, beside the service that
 * writes it or without one. No lock of the log is taken, and no transaction
 * stays open between two calls. Must be disposed of.
 */
export class ReadOnlyLog implements Disposable {
  readonly path: string;
  readonly database: DatabaseSync;
  /** A copy of a log that lives elsewhere: its sequences have gaps. */
  readonly isReplica: boolean;

  private constructor(path: string, database: DatabaseSync, isReplica: boolean) {
    this.path = path;
    this.database = database;
    this.isReplica = isReplica;
  }

  /**
   * Opens the log in a directory, or the replica when there is no log.
   *
   * @throws EventLogOpenError
   */
  static open(directory: string): ReadOnlyLog {
    const ofLog = join(directory, "events.db");
    const ofReplica = join(directory, "replica.db");
    const isReplica = !existsSync(ofLog) && existsSync(ofReplica);
    const path = isReplica ? ofReplica : ofLog;
    if (!existsSync(path)) throw missing(path);
    let database: DatabaseSync | undefined;
    try {
      database = openReadOnly(path);
      if (isReplica) requireReplicaSchema(database, path);
      else requireOwnSchema(database, path);
      const file = new ReadOnlyLog(path, database, isReplica);
      file.state();
      return file;
    } catch (error) {
      database?.close();
      throw openFailure(path, error);
    }
  }

  /** Reads the state as of the last commit. @throws EventLogOpenError CORRUPT, or an error of node:sqlite */
  state(): LogState {
    const row = this.database.prepare("SELECT * FROM log_state").get();
    if (row === undefined) throw corrupt(this.path, "its state row is missing");
    return {
      logId: String(row.log_id),
      earliest: Number(row.earliest),
      head: Number(row.head),
      lastRecordTimeMs: Number(row.last_record_time),
    };
  }

  [Symbol.dispose](): void {
    this.database.close();
  }
}

/**
 * SQLite wants to create its shared memory file beside a log that nobody has
 * open. Where it may not, as on a read-only disk, nobody else can write the
 * log either, and it can be read as a file that never changes.
 */
function openReadOnly(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.prepare("SELECT count(*) FROM sqlite_schema").get();
    return database;
  } catch (error) {
    database.close();
    if (!isCannotOpen(error) || existsSync(`${path}-wal`)) throw error;
    return new DatabaseSync(new URL(`${pathToFileURL(path)}?immutable=1`), { readOnly: true });
  }
}

function missing(path: string): EventLogOpenError {
  return new EventLogOpenError(
    "INACCESSIBLE",
    path,
    `there is no event log ${path}; name the data directory of the service with --data-dir or --config`,
  );
}

function openFailure(path: string, error: unknown): EventLogOpenError {
  if (error instanceof EventLogOpenError) return error;
  if (isNotADatabase(error)) return notALog(path, error);
  if (isCorrupt(error)) return corrupt(path, sqliteFailure(error).text, error);
  const isForeign = sqliteFailure(error).code === "SQLITE_ERROR";
  return isForeign
    ? corrupt(path, "its tables are not those of an event log", error)
    : inaccessible(path, error);
}
