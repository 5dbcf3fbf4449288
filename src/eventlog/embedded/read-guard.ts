import { LogReadError, logUnavailable } from "./log-errors.ts";
import { isCorrupt, isNotADatabase, sqliteFailure } from "./sqlite-error.ts";

/** Runs reads of the file and remembers when one has found it damaged. */
export class ReadGuard {
  readonly #onDamaged: (error: Error) => void;
  #damage: Error | undefined;

  /** `onDamaged` is called once. */
  constructor(onDamaged: (error: Error) => void) {
    this.#onDamaged = onDamaged;
  }

  /** What was found; stays until the log is opened again. */
  get damage(): Error | undefined {
    return this.#damage;
  }

  /** @throws ServiceError LOG_UNAVAILABLE when the read fails. */
  run<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (this.#damage === undefined && (isCorrupt(error) || isNotADatabase(error))) {
        this.#damage = new LogReadError(sqliteFailure(error));
        this.#onDamaged(this.#damage);
      }
      throw logUnavailable(error);
    }
  }
}
