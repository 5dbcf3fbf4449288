import { DatabaseSync } from "node:sqlite";
import { CursorEncoder } from "../cursor.ts";
import { MessageReader } from "./message-reader.ts";
import { corrupt, inaccessible } from "./open-failure.ts";
import { ReadGuard } from "./read-guard.ts";
import { Reader } from "./reader.ts";
import { RemovalStep } from "./removal-step.ts";
import { isCorrupt, sqliteFailure } from "./sqlite-error.ts";

/** The read-only connection of an open log, and what reads through it. */
export class LogConnection {
  readonly database: DatabaseSync;
  readonly cursors: CursorEncoder;
  readonly guard: ReadGuard;
  readonly #reader: Reader;
  readonly #messageReader: MessageReader;
  readonly #removalStep: RemovalStep;

  private constructor(file: string, logId: string, onDamaged: (error: Error) => void) {
    this.database = new DatabaseSync(file, { readOnly: true });
    this.cursors = new CursorEncoder(logId);
    this.guard = new ReadGuard(onDamaged);
    this.#reader = new Reader(this.database, this.cursors);
    this.#messageReader = new MessageReader(this.database, this.cursors);
    this.#removalStep = new RemovalStep(this.database);
  }

  /**
   * Opens the connection. `onDamaged` is called once, when a read has found the file damaged.
   *
   * @throws EventLogOpenError CORRUPT or INACCESSIBLE
   */
  static open(file: string, logId: string, onDamaged: (error: Error) => void): LogConnection {
    try {
      return new LogConnection(file, logId, onDamaged);
    } catch (error) {
      throw isCorrupt(error) ? corrupt(file, sqliteFailure(error).text, error) : inaccessible(file, error);
    }
  }

  /** What reads have found wrong with the file; undefined when nothing. */
  get damage(): Error | undefined {
    return this.guard.damage;
  }

  /** @throws ServiceError LOG_UNAVAILABLE */
  read<T>(work: (reader: Reader) => T): T {
    return this.guard.run(() => work(this.#reader));
  }

  /** @throws ServiceError LOG_UNAVAILABLE */
  readMessages<T>(work: (reader: MessageReader) => T): T {
    return this.guard.run(() => work(this.#messageReader));
  }

  /** See {@link RemovalStep.endOf}. @throws ServiceError LOG_UNAVAILABLE */
  endOfRemovalStep(after: number, through: number): number {
    return this.guard.run(() => this.#removalStep.endOf(after, through));
  }

  close(): void {
    this.database.close();
  }
}
