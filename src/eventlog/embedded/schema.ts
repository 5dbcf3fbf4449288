import { DatabaseSync } from "node:sqlite";
import { requireSoundLog } from "./integrity.ts";
import { corrupt, EventLogOpenError, inaccessible } from "./open-failure.ts";
import { isCorrupt, isNotADatabase, sqliteFailure } from "./sqlite-error.ts";
import { APPLICATION_ID, createTables, MIGRATED_VERSION, migrateTables, SCHEMA_VERSION } from "./tables.ts";

/** How the writing connection is set up. */
export interface WriterDatabaseOptions {
  readonly file: string;
  /** Identity for a log that is created now: 16 lower-case hex digits. */
  readonly newLogId: string;
  /** Most bytes of the file. */
  readonly maxBytes: number;
}

/** Bound of the write-ahead log file between checkpoints, in bytes. */
const WAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024;
/** Pages of 4 KiB in the write-ahead log at which they move into the file: the more, the more often one page takes many keys of random message ids. */
const CHECKPOINT_PAGES = 4_000;
/** Page cache of the writing connection, in KiB. */
const WRITER_CACHE_KIB = 8 * 1024;

/**
 * Opens the database for writing, creates the tables in a new file, and adds
 * those that a file of the version before lacks. The file is looked at before
 * anything is changed in it.
 *
 * @throws EventLogOpenError
 */
export function openWriterDatabase(options: WriterDatabaseOptions): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(options.file);
    const isNew = isUnused(database);
    const version = isNew ? SCHEMA_VERSION : requireOwnFile(database, options.file);
    if (!isNew && version !== MIGRATED_VERSION) requireVersion(version, options.file);
    if (!isNew) requireSoundLog(database, options.file, version);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    database.exec(
      `PRAGMA journal_size_limit = ${WAL_SIZE_LIMIT_BYTES}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
    );
    database.exec(`PRAGMA cache_size = -${WRITER_CACHE_KIB}`);
    database.exec(`PRAGMA max_page_count = ${Math.floor(options.maxBytes / pragma(database, "page_size"))}`);
    if (isNew) createTables(database, options.newLogId);
    if (version === MIGRATED_VERSION) migrateTables(database);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof EventLogOpenError) throw error;
    if (isNotADatabase(error)) throw notALog(options.file, error);
    if (isCorrupt(error)) throw corrupt(options.file, sqliteFailure(error).text, error);
    throw inaccessible(options.file, error);
  }
}

/** True for an empty file, also one that a crash left between its creation and its first commit. */
function isUnused(database: DatabaseSync): boolean {
  const { entries } = database.prepare("SELECT count(*) AS entries FROM sqlite_schema").get() ?? {};
  return entries === 0 && pragma(database, "application_id") === 0 && pragma(database, "user_version") === 0;
}

/** Version of the tables of a log that can be read as it is. @throws EventLogOpenError NOT_A_LOG or OTHER_VERSION, or an error of node:sqlite */
export function requireOwnSchema(database: DatabaseSync, file: string): void {
  requireVersion(requireOwnFile(database, file), file);
}

/** Version of the tables. @throws EventLogOpenError NOT_A_LOG, or an error of node:sqlite */
function requireOwnFile(database: DatabaseSync, file: string): number {
  if (pragma(database, "application_id") !== APPLICATION_ID) throw notALog(file);
  return pragma(database, "user_version");
}

function requireVersion(version: number, file: string): void {
  if (version === SCHEMA_VERSION) return;
  const advice =
    version === MIGRATED_VERSION
      ? "start this version of the service on it once, which adds what is missing and keeps everything"
      : "start the version of the service that wrote it, or choose another data directory";
  throw new EventLogOpenError(
    "OTHER_VERSION",
    file,
    `${file} is an event log of schema version ${version}, this service writes version ${SCHEMA_VERSION}; ${advice}`,
  );
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
}

/** The error for a file that is something else. */
export function notALog(file: string, cause?: unknown): EventLogOpenError {
  return new EventLogOpenError(
    "NOT_A_LOG",
    file,
    `${file} is not an event log of this service and was left as it is; if it was one, restore it from a copy; else move it away or choose another data directory`,
    cause,
  );
}
