import { cursorExpired } from "../cursor.ts";
import type { AppendResult, EventLog, LogBounds, NewEvent, ReadOptions, ReadResult } from "../event-log.ts";
import { HeadWaiters } from "./head-waiters.ts";
import { logUnavailable } from "./log-errors.ts";
import type { OpenedFile } from "./opened-file.ts";
import type { Reader } from "./reader.ts";
import type { RecentRecords } from "./recent-records.ts";
import type { WriterState } from "./writer.ts";
import type { WriterClient } from "./writer-client.ts";

/** The embedded engine's log: what the port says, and what only this engine has. */
export interface EmbeddedEventLog extends EventLog {
  /** Resolves with the reason when the log can no longer be written in this process; reads still work. */
  readonly failed: Promise<Error>;
  /**
   * Whether events can be stored, as far as is known now. Not ok after a
   * commit that failed, until one succeeds; when the writer has ended; and
   * while the database file is gone or another one stands in its place, which
   * is looked at once in 5 s at most. Cheap: for probes.
   */
  health(): LogHealth;
  /**
   * Removes the events up to a position, in small steps that let appends
   * through. Positions past the head count as the head. Rejects with
   * ServiceError LOG_UNAVAILABLE; what was removed until then stays removed.
   */
  removeThrough(position: number): Promise<void>;
}

/** See {@link EmbeddedEventLog.health}. */
export interface LogHealth {
  readonly ok: boolean;
  /** Why not, for operators. Holds no path and nothing of any event. */
  readonly reason?: string;
}

/** Most events that one step of a removal deletes. */
const REMOVE_STEP = 1_000;

/** What an {@link EmbeddedLog} is made of; it closes them. */
export interface EmbeddedLogParts {
  readonly state: WriterState;
  readonly reader: Reader;
  readonly recent: RecentRecords;
  readonly lock: Disposable;
  readonly file: OpenedFile;
  readonly now: () => number;
  /** Starts the writer's client, which calls back with each new head. */
  readonly connectWriter: (onHead: (head: number) => void) => WriterClient;
}

/** See {@link EmbeddedEventLog}. */
export class EmbeddedLog implements EmbeddedEventLog {
  readonly id: string;
  readonly #parts: EmbeddedLogParts;
  readonly #writer: WriterClient;
  readonly #waiters = new HeadWaiters();
  #earliest: number;
  #head: number;
  #closed: Promise<void> | undefined;

  constructor(parts: EmbeddedLogParts) {
    this.id = parts.state.logId;
    this.#parts = parts;
    this.#earliest = parts.state.earliest;
    this.#head = parts.state.head;
    this.#writer = parts.connectWriter((head) => {
      this.#head = head;
      this.#waiters.wake(head);
    });
  }

  get failed(): Promise<Error> {
    return this.#writer.failed;
  }

  health(): LogHealth {
    if (this.#closed !== undefined) return { ok: false, reason: "the event log is closed" };
    const { trouble } = this.#writer;
    if (trouble !== undefined) return { ok: false, reason: trouble.message };
    if (this.#parts.file.isInPlace()) return { ok: true };
    return { ok: false, reason: "the event log's file was deleted or replaced; restart the service" };
  }

  append(events: readonly NewEvent[]): Promise<AppendResult> {
    if (events.length === 0) return Promise.resolve({ appended: 0, duplicates: 0 });
    return this.#writer.append(events, Math.floor(this.#parts.now()));
  }

  bounds(): LogBounds {
    return { earliest: this.#earliest, head: this.#head };
  }

  async read(after: number, options: ReadOptions): Promise<ReadResult> {
    this.#requireOpen();
    if (after < this.#earliest) throw cursorExpired(this.id, this.#earliest);
    // Rows that are committed but not yet announced stay out, so that no reader is ahead of bounds().
    if (after >= this.#head) return { records: [], examinedTo: after };
    const { recent, reader } = this.#parts;
    if (options.includeRaw) return readOrFail(() => reader.read(after, this.#head, options));
    const known = recent.read(after, options);
    if (known !== undefined) return known;
    if (!recent.wants(after, this.#head)) return readOrFail(() => reader.read(after, this.#head, options));
    const { limit, maxBytes } = options;
    recent.add(
      after,
      readOrFail(() => reader.read(after, this.#head, { limit, maxBytes, includeRaw: false })),
    );
    return recent.read(after, options) ?? readOrFail(() => reader.read(after, this.#head, options));
  }

  async positionAtTime(timeMs: number): Promise<number> {
    this.#requireOpen();
    // Record times never fall, so the sequences can be halved; an index would cost every append.
    let low = this.#earliest;
    let high = this.#head;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const first = readOrFail(() => this.#parts.reader.firstAfter(middle));
      if (first === undefined || first.sequence > high || first.recordTimeMs >= timeMs) high = middle;
      else low = first.sequence;
    }
    return low;
  }

  async recordTimeAfter(after: number): Promise<number | undefined> {
    this.#requireOpen();
    if (after >= this.#head) return undefined;
    return readOrFail(() => this.#parts.reader.firstAfter(after))?.recordTimeMs;
  }

  async waitPast(after: number, signal: AbortSignal): Promise<void> {
    if (this.#head > after || this.#closed !== undefined) return;
    await this.#waiters.wait(after, signal);
  }

  async removeThrough(position: number): Promise<void> {
    const target = Math.min(position, this.#head);
    while (this.#earliest < target) {
      const step = Math.min(this.#earliest + REMOVE_STEP, target);
      // Raised before the rows go: a read either finds them or is refused, never skips them.
      this.#earliest = step;
      this.#parts.recent.removeThrough(step);
      await this.#writer.remove(step);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#waiters.wake(Number.POSITIVE_INFINITY);
    // The writer closes last: its connection moves the write-ahead log into the file.
    this.#parts.reader.close();
    await this.#writer.close();
    this.#parts.lock[Symbol.dispose]();
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw logUnavailable(new Error("the event log is closed"));
  }
}

function readOrFail<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw logUnavailable(error);
  }
}
