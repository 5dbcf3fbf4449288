import { statSync } from "node:fs";

/** Least time between two looks at the file, in milliseconds. */
export const FILE_CHECK_INTERVAL_MS = 5_000;

/**
 * Tells whether a path still leads to the file that was opened there. As long
 * as the log holds that file open its inode cannot go to another one.
 */
export class OpenedFile {
  readonly #path: string;
  readonly #opened: string | undefined;
  readonly #now: () => number;
  #checkedAt: number;
  #isInPlace = true;

  private constructor(path: string, now: () => number) {
    this.#path = path;
    this.#now = now;
    this.#opened = identityOf(path);
    this.#checkedAt = now();
  }

  /** Remembers the file that has just been opened at a path. `now` is in milliseconds and only goes forward. */
  static at(path: string, now: () => number = () => performance.now()): OpenedFile {
    return new OpenedFile(path, now);
  }

  /** False while the file is gone or replaced; looks once in {@link FILE_CHECK_INTERVAL_MS} at most. */
  isInPlace(): boolean {
    const isDue = this.#now() - this.#checkedAt >= FILE_CHECK_INTERVAL_MS;
    return isDue ? this.isInPlaceNow() : this.#isInPlace;
  }

  /** As {@link isInPlace}, but looks now. */
  isInPlaceNow(): boolean {
    this.#checkedAt = this.#now();
    this.#isInPlace = identityOf(this.#path) === this.#opened;
    return this.#isInPlace;
  }
}

/** Device and inode; undefined when the path cannot be looked at. */
function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
