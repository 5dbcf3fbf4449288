// Primary result codes of SQLite; the low byte of every extended code.
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** Names of the primary result codes that trouble with a file can bring. */
const NAMES: Readonly<Record<number, string>> = {
  1: "SQLITE_ERROR",
  3: "SQLITE_PERM",
  [SQLITE_BUSY]: "SQLITE_BUSY",
  6: "SQLITE_LOCKED",
  7: "SQLITE_NOMEM",
  8: "SQLITE_READONLY",
  10: "SQLITE_IOERR",
  [SQLITE_CORRUPT]: "SQLITE_CORRUPT",
  13: "SQLITE_FULL",
  [SQLITE_CANTOPEN]: "SQLITE_CANTOPEN",
  15: "SQLITE_PROTOCOL",
  18: "SQLITE_TOOBIG",
  19: "SQLITE_CONSTRAINT",
  22: "SQLITE_NOLFS",
  [SQLITE_NOTADB]: "SQLITE_NOTADB",
};

/** What SQLite says about a failure: neither a path nor any SQL. */
export interface SqliteFailure {
  /** Name of the primary result code, such as SQLITE_FULL; UNKNOWN when the error is none of SQLite's. */
  readonly code: string;
  /** SQLite's constant text for the code. */
  readonly text: string;
}

/** What of an error may leave the engine. */
export function sqliteFailure(error: unknown): SqliteFailure {
  const primary = sqliteCode(error);
  if (primary === undefined) return { code: "UNKNOWN", text: "the writer itself failed" };
  const text = (error as { errstr?: unknown }).errstr;
  return { code: NAMES[primary] ?? `SQLITE_${primary}`, text: typeof text === "string" ? text : "" };
}

/** Primary SQLite result code of an error that node:sqlite has thrown; undefined for other errors. */
export function sqliteCode(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

/** Whether another connection holds a lock that was needed. */
export function isBusy(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_BUSY;
}

/** Whether the file, or one that belongs to it, cannot be opened or created. */
export function isCannotOpen(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_CANTOPEN;
}

/** Whether the file is no SQLite database. */
export function isNotADatabase(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_NOTADB;
}

/** Whether the file is a SQLite database that is damaged. */
export function isCorrupt(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_CORRUPT;
}

/** Whether a failed write says that the file is damaged: no later write can be trusted. */
export function isFatal(failure: Pick<SqliteFailure, "code">): boolean {
  return failure.code === NAMES[SQLITE_CORRUPT] || failure.code === NAMES[SQLITE_NOTADB];
}
