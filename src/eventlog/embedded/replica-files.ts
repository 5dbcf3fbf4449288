import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type LogFiles, prepareLogFiles, syncDirectory } from "./log-files.ts";
import { inaccessible } from "./open-failure.ts";

/**
 * The files of a replica: its database, the lock, and a mark that says that a
 * read or a commit has found the database damaged. Opening looks at a file's
 * ends only, so without the mark damage in the middle would be met again.
 */
export class ReplicaFiles {
  readonly database: string;
  readonly lock: string;
  readonly #directory: string;
  readonly #mark: string;

  private constructor(directory: string, files: LogFiles) {
    this.database = files.events;
    this.lock = files.lock;
    this.#directory = directory;
    this.#mark = join(directory, "replica.damaged");
  }

  /** Creates what is missing of them. @throws EventLogOpenError INACCESSIBLE */
  static prepare(directory: string): ReplicaFiles {
    return new ReplicaFiles(directory, prepareLogFiles(directory, "replica"));
  }

  get isMarkedDamaged(): boolean {
    return existsSync(this.#mark);
  }

  /** Leaves the mark. Never throws: where it cannot be left the damage is found once more. */
  markDamaged(): void {
    try {
      writeFileSync(this.#mark, "", { mode: 0o600 });
    } catch {
      // A full or failing disk, most likely the reason for the damage.
    }
  }

  /** Replaces the database by an empty file; the lock must be held. @throws EventLogOpenError INACCESSIBLE */
  wipe(): void {
    try {
      // The database goes first: without its write-ahead log it could look sound and be none, while SQLite drops a log without a database.
      for (const file of [this.database, `${this.database}-wal`, `${this.database}-shm`])
        rmSync(file, { force: true });
      syncDirectory(this.#directory);
      rmSync(this.#mark, { force: true });
    } catch (error) {
      throw inaccessible(this.database, error);
    }
    prepareLogFiles(this.#directory, "replica");
  }
}
