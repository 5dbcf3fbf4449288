import { DatabaseSync } from "node:sqlite";
import { EventLogOpenError, inaccessible } from "./open-failure.ts";
import { isBusy, isNotADatabase } from "./sqlite-error.ts";

/**
 * Holds the right to write a log until it is closed. The lock is SQLite's
 * exclusive lock on an empty side file: the system drops it when the process
 * ends, however it ends, and SQLite also keeps two holders within one process
 * apart.
 *
 * @throws EventLogOpenError IN_USE or INACCESSIBLE
 */
export function lockForWriting(lockFile: string): Disposable {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(lockFile, { timeout: 0 });
    database.exec("BEGIN EXCLUSIVE");
    const held = database;
    return { [Symbol.dispose]: () => held.close() };
  } catch (error) {
    database?.close();
    if (isBusy(error)) throw inUse(lockFile, error);
    if (isNotADatabase(error)) throw notALock(lockFile, error);
    throw inaccessible(lockFile, error);
  }
}

function inUse(lockFile: string, cause: unknown): EventLogOpenError {
  return new EventLogOpenError(
    "IN_USE",
    lockFile,
    `the event log of ${lockFile} is already open for writing; stop the other process, or give this one its own data directory`,
    cause,
  );
}

function notALock(lockFile: string, cause: unknown): EventLogOpenError {
  return new EventLogOpenError(
    "NOT_A_LOG",
    lockFile,
    `${lockFile} is not a lock file of this service; move it away or choose another data directory`,
    cause,
  );
}
