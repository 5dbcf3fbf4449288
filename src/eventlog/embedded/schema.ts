import { DatabaseSync } from "node:sqlite";
import { requireSoundLog, requireSoundReplica } from "./integrity.ts";
import { corrupt, EventLogOpenError, inaccessible } from "./open-failure.ts";
import { isCorrupt, isNotADatabase, sqliteFailure } from "./sqlite-error.ts";
import {
  APPLICATION_ID,
  createReplicaTables,
  createTables,
  MIGRATED_VERSION,
  migrateTables,
  REPLICA_APPLICATION_ID,
  REPLICA_SCHEMA_VERSION,
  SCHEMA_VERSION,
} from "./tables.ts";

/** How the writing connection is set up. */
export interface WriterDatabaseOptions {
  readonly file: string;
  /** Identity for a log that is created now: 16 lower-case hex digits. */
  readonly newLogId: string;
  /** Most bytes of the file. */
  readonly maxBytes: number;
  /** The file is of no use after this process: commits are not synced one by one. */
  readonly isScratch?: boolean;
}

/** Bound of the write-ahead log file between checkpoints, in bytes. */
const WAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024;
/** Pages of 4 KiB in the write-ahead log at which they move into the file: the more, the more often one page takes many keys of random message ids. */
const CHECKPOINT_PAGES = 4_000;
/** The same for a replica, whose pages another thread moves before: for when that falls behind. */
const REPLICA_CHECKPOINT_PAGES = 16_000;
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
  const { file, newLogId } = options;
  return openDatabase(file, notALog, (database) => {
    const isNew = isUnused(database);
    const version = isNew ? SCHEMA_VERSION : requireOwnFile(database, file);
    if (!isNew && version !== MIGRATED_VERSION) requireVersion(version, file);
    if (!isNew) requireSoundLog(database, file, version);
    configure(database, options, options.isScratch ? "NORMAL" : "FULL", CHECKPOINT_PAGES);
    if (isNew) createTables(database, newLogId);
    if (version === MIGRATED_VERSION) migrateTables(database);
  });
}

/**
 * Opens the database of a replica of the log `newLogId` for writing, and
 * creates the tables in a new file. Commits are not synced one by one: what a
 * crash of the system takes with it, the log gives again.
 *
 * @throws EventLogOpenError CORRUPT, OTHER_VERSION or OTHER_LOG for a replica that is to be built anew; NOT_A_LOG
 * for a file that is something else, an event log of its own among them.
 */
export function openReplicaDatabase(options: WriterDatabaseOptions): DatabaseSync {
  const { file, newLogId } = options;
  const notADatabase = (path: string, cause?: unknown) => corrupt(path, "it is no database", cause);
  return openDatabase(file, notADatabase, (database) => {
    const isNew = isUnused(database);
    if (!isNew) requireReplica(database, file, newLogId);
    configure(database, options, "NORMAL", REPLICA_CHECKPOINT_PAGES);
    if (isNew) createReplicaTables(database, newLogId);
  });
}

function openDatabase(
  file: string,
  notADatabase: (file: string, cause: unknown) => EventLogOpenError,
  prepare: (database: DatabaseSync) => void,
): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    prepare(database);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof EventLogOpenError) throw error;
    if (isNotADatabase(error)) throw notADatabase(file, error);
    if (isCorrupt(error)) throw corrupt(file, sqliteFailure(error).text, error);
    throw inaccessible(file, error);
  }
}

function configure(
  database: DatabaseSync,
  { maxBytes }: WriterDatabaseOptions,
  synchronous: "FULL" | "NORMAL",
  checkpointPages: number,
): void {
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}`);
  database.exec(
    `PRAGMA journal_size_limit = ${WAL_SIZE_LIMIT_BYTES}; PRAGMA wal_autocheckpoint = ${checkpointPages}`,
  );
  database.exec(`PRAGMA cache_size = -${WRITER_CACHE_KIB}`);
  database.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / pragma(database, "page_size"))}`);
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
  const applicationId = pragma(database, "application_id");
  if (applicationId === REPLICA_APPLICATION_ID) throw isReplica(file);
  if (applicationId !== APPLICATION_ID) throw notALog(file);
  return pragma(database, "user_version");
}

/** @throws EventLogOpenError NOT_A_LOG or OTHER_VERSION when the file is no replica that can be read, or an error of node:sqlite */
export function requireReplicaSchema(database: DatabaseSync, file: string): void {
  if (pragma(database, "application_id") !== REPLICA_APPLICATION_ID) throw notAReplica(file);
  const version = pragma(database, "user_version");
  if (version !== REPLICA_SCHEMA_VERSION) throw otherReplica("OTHER_VERSION", file, `of version ${version}`);
}

/** @throws EventLogOpenError NOT_A_LOG, OTHER_VERSION, OTHER_LOG or CORRUPT, or an error of node:sqlite */
function requireReplica(database: DatabaseSync, file: string, logId: string): void {
  requireReplicaSchema(database, file);
  requireSoundReplica(database, file);
  const { log_id } = database.prepare("SELECT log_id FROM log_state").get() ?? {};
  if (log_id !== logId) throw otherReplica("OTHER_LOG", file, `of the event log ${log_id}`);
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

/** The error for a replica that cannot be used; `what` says which one it is. */
export function otherReplica(
  reason: "OTHER_VERSION" | "OTHER_LOG",
  file: string,
  what: string,
): EventLogOpenError {
  return new EventLogOpenError(
    reason,
    file,
    `${file} is a replica ${what}; remove it, and it is built again from its log`,
  );
}

function isReplica(file: string): EventLogOpenError {
  return new EventLogOpenError(
    "NOT_A_LOG",
    file,
    `${file} is a replica of an event log that lives elsewhere, and not a log of its own; choose another data directory`,
  );
}

function notAReplica(file: string): EventLogOpenError {
  return new EventLogOpenError(
    "NOT_A_LOG",
    file,
    `${file} is not a replica of an event log and was left as it is, since it may hold what nothing else does; move it away or choose another data directory`,
  );
}
