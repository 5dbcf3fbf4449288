import { closeSync, fsyncSync, openSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "./make-folder.ts";
import { inaccessible } from "./open-failure.ts";

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** The files of an embedded log, or of a replica. SQLite adds `-wal` and `-shm` beside them, with the same mode. */
export interface LogFiles {
  readonly events: string;
  readonly lock: string;
}

/** What a log's files are called: those of a log of its own, and of a replica. */
export type LogFilesName = "events" | "replica";

/**
 * Creates what is missing of a log's directory and files, readable by their
 * owner only. What exists keeps its mode.
 *
 * @throws EventLogOpenError INACCESSIBLE
 */
export function prepareLogFiles(directory: string, name: LogFilesName = "events"): LogFiles {
  const files = { events: join(directory, `${name}.db`), lock: join(directory, `${name}.lock`) };
  try {
    makeFolder(directory, DIRECTORY_MODE);
    const created = [createFile(files.events), createFile(files.lock)];
    if (created.includes(true)) syncDirectory(directory);
    return files;
  } catch (error) {
    throw inaccessible(files.events, error);
  }
}

/**
 * An existing file is never opened here: closing it would drop the lock that
 * another log of this process may hold on it.
 */
function createFile(file: string): boolean {
  try {
    closeSync(openSync(file, "wx", FILE_MODE));
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Makes the new directory entries survive a power failure. */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
