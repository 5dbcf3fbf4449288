import { ensureServiceError, type ServiceError } from "../errors.ts";
import type { NewEvent } from "../eventlog/event-log.ts";
import type { SubmissionRecord, SubmissionStore } from "../eventlog/submission-store.ts";
import { bytesOf, type Tally } from "./tally.ts";

/** Most records of one commit. */
export const MAX_COMMIT_RECORDS = 512;
/** A commit takes no more records once it has this many bytes. */
export const MAX_COMMIT_BYTES = 2 * 1024 * 1024;

/** One record to store, or numbers to remove. */
interface Change {
  readonly record: SubmissionRecord | undefined;
  readonly previous: SubmissionRecord | undefined;
  readonly isUncertain: boolean;
  readonly event: NewEvent | undefined;
  readonly removed: readonly number[];
  readonly resolve: () => void;
  readonly reject: (error: ServiceError) => void;
}

/** What {@link Commits} works with. */
export interface CommitsOptions {
  readonly store: Pick<SubmissionStore, "commit" | "counts">;
  readonly tally: Tally;
  /** Told of each record whose commit has ended, well or not. */
  readonly onRecord: (number: number) => void;
  readonly onTrouble: (error: ServiceError) => void;
}

/**
 * Writes changes of submissions, one commit at a time and in order: what comes
 * meanwhile goes into the next one together. Whoever adds a change waits for it
 * before the next one of the same record.
 */
export class Commits {
  readonly #options: CommitsOptions;
  #waiting: Change[] = [];
  #running: Promise<void> | undefined;
  #isTallyStale = false;

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  /**
   * Stores a record in the place of another. When it rejects, with ServiceError, it may be stored all the same.
   * `isUncertain`: an earlier commit of the record has failed so, and `previous` may not be what is stored.
   */
  put(
    record: SubmissionRecord,
    previous: SubmissionRecord | undefined,
    event: NewEvent | undefined,
    isUncertain = false,
  ): Promise<void> {
    return this.#add({ record, previous, isUncertain, event, removed: [] });
  }

  /** Removes records. */
  remove(removed: readonly number[]): Promise<void> {
    return this.#add({
      record: undefined,
      previous: undefined,
      isUncertain: false,
      event: undefined,
      removed,
    });
  }

  /** Counts again what could not be counted. */
  recount(): void {
    if (this.#isTallyStale) this.#running ??= this.#run();
  }

  /** Resolves when everything that was added so far is stored or has failed. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #add(change: Omit<Change, "resolve" | "reject">): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...change, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    // What else comes in this turn of the event loop goes along.
    await new Promise((resolve) => setImmediate(resolve));
    do {
      await this.#recount();
      if (this.#waiting.length > 0) await this.#commit(this.#take());
      if (this.#waiting.length === 0) await this.#recount();
    } while (this.#waiting.length > 0);
    this.#running = undefined;
  }

  #take(): readonly Change[] {
    let count = 0;
    let bytes = 0;
    for (const { record } of this.#waiting) {
      if (count === MAX_COMMIT_RECORDS || bytes >= MAX_COMMIT_BYTES) break;
      count++;
      if (record !== undefined) bytes += bytesOf(record);
    }
    return this.#waiting.splice(0, count);
  }

  async #commit(changes: readonly Change[]): Promise<void> {
    const { store, onRecord, onTrouble } = this.#options;
    let failure: ServiceError | undefined;
    try {
      await store.commit({
        records: changes.flatMap(({ record }) => record ?? []),
        removed: changes.flatMap(({ removed }) => removed),
        events: changes.flatMap(({ event }) => event ?? []),
        eventNumbers: changes.flatMap(({ event, record }) =>
          event === undefined || record === undefined ? [] : record.number,
        ),
      });
    } catch (error) {
      failure = ensureServiceError(error);
      this.#isTallyStale = true;
      onTrouble(failure);
    }
    for (const change of changes) {
      if (change.record !== undefined) onRecord(change.record.number);
      if (failure === undefined) this.#count(change);
      if (failure === undefined) change.resolve();
      else change.reject(failure);
    }
  }

  #count({ record, previous, isUncertain, removed }: Change): void {
    if (record !== undefined) this.#options.tally.stored(record, previous);
    if (isUncertain || removed.length > 0) this.#isTallyStale = true;
  }

  /** Between two commits, so that nothing changes meanwhile. After a failed one it is not known what is stored. */
  async #recount(): Promise<void> {
    if (!this.#isTallyStale) return;
    try {
      this.#options.tally.reset(await this.#options.store.counts());
      this.#isTallyStale = false;
    } catch (error) {
      this.#options.onTrouble(ensureServiceError(error));
    }
  }
}
