import type { AnswerStore } from "../answer-store.ts";
import type {
  AppendResult,
  EventLog,
  EventRecord,
  LogBounds,
  LogHealth,
  LogStats,
  NewEvent,
  ReadOptions,
  ReadResult,
} from "../event-log.ts";
import type { SubmissionStore } from "../submission-store.ts";
import { LocalLog } from "./local-log.ts";
import type { LogConnection } from "./log-connection.ts";
import { LogWriteError } from "./log-errors.ts";
import type { LogStores, LogStoresParts } from "./log-stores.ts";
import type { OpenedFile } from "./opened-file.ts";
import type { RecentRecords } from "./recent-records.ts";
import { Retention, type RetentionParts } from "./retention.ts";
import type { SubscriptionStore } from "./subscription-store.ts";
import type { WriterState } from "./writer.ts";
import type { WriterClient, WriterClientParts } from "./writer-client.ts";

/** The embedded engine's log: what the port says, and what only this engine has. */
export interface EmbeddedEventLog extends EventLog {
  /** Resolves with the reason when the log can no longer be written in this process; reads still work. */
  readonly failed: Promise<Error>;
  /** Subscriptions, stored beside the events. */
  readonly subscriptions: SubscriptionStore;
  /** Answers to calls with a request id, stored beside the events. */
  readonly answers: AnswerStore;
  /** Submissions, stored beside the events. */
  readonly submissions: SubmissionStore;
  /**
   * Whether events can be stored, as far as is known now. Not ok after a
   * commit that failed, until one succeeds or the log's own try, every 5 s;
   * when the writer has ended; once a read has found the file damaged; and
   * while the database file is gone or another one stands in its place, which
   * each append looks at, and this method once in 5 s at most.
   */
  health(): LogHealth;
  /**
   * Removes the events up to a position, in small steps that let appends
   * through. Positions past the head count as the head. Rejects with
   * ServiceError LOG_UNAVAILABLE; what was removed until then stays removed,
   * and the rest is still there.
   */
  removeThrough(position: number): Promise<void>;
}

/** What an {@link EmbeddedLog} is made of; it closes them. */
export interface EmbeddedLogParts {
  readonly state: WriterState;
  readonly connection: LogConnection;
  readonly recent: RecentRecords;
  readonly lock: Disposable;
  readonly file: OpenedFile;
  readonly now: () => number;
  readonly retention: Omit<RetentionParts, "log" | "now" | "onRemoved">;
  /** Starts the writer's client. */
  readonly connectWriter: (
    calls: Pick<WriterClientParts, "onHead" | "onFailure" | "onTaken">,
  ) => WriterClient;
  /** Makes what is kept beside the events. */
  readonly createStores: (parts: Pick<LogStoresParts, "writer" | "requireInPlace">) => LogStores;
}

/** See {@link EmbeddedEventLog}. */
export class EmbeddedLog implements EmbeddedEventLog {
  readonly id: string;
  readonly #parts: EmbeddedLogParts;
  readonly #log: LocalLog;
  readonly #writer: WriterClient;
  readonly #retention: Retention;
  readonly #stores: LogStores;
  #closed: Promise<void> | undefined;

  constructor(parts: EmbeddedLogParts) {
    this.#parts = parts;
    this.#log = new LocalLog({ ...parts, remove: (through) => this.#writer.remove(through) });
    this.id = this.#log.id;
    this.#writer = parts.connectWriter({
      onHead: (head) => this.#log.advance(head),
      onFailure: (error) => {
        if (error instanceof LogWriteError && error.code === "SQLITE_FULL") void this.#retention.check();
      },
      onTaken: (bytes) => this.#retention.taken(bytes),
    });
    this.#stores = parts.createStores({
      writer: this.#writer,
      requireInPlace: () => this.#log.requireInPlace(),
    });
    this.#retention = new Retention({
      ...parts.retention,
      now: parts.now,
      log: this.#log,
      onRemoved: () => this.#writer.tryNow(),
    });
  }

  get failed(): Promise<Error> {
    return this.#writer.failed;
  }

  get subscriptions(): SubscriptionStore {
    return this.#stores.subscriptions;
  }

  get answers(): AnswerStore {
    return this.#stores.answers;
  }

  get submissions(): SubmissionStore {
    return this.#stores.submissions;
  }

  health(): LogHealth {
    return this.#log.health(this.#writer.trouble);
  }

  async stats(): Promise<LogStats> {
    this.#log.requireOpen();
    // A log that gives out its sequences itself leaves no gaps, see Writer.
    const { earliest, head } = this.#log.bounds();
    return { events: head - earliest, sizeBytes: this.#log.usedBytes(), retention: this.#retention.limits };
  }

  async append(events: readonly NewEvent[]): Promise<AppendResult> {
    if (events.length === 0) return { appended: 0, duplicates: 0 };
    const appended = await this.#writer.append(events, Math.floor(this.#parts.now()));
    this.#log.requireInPlace();
    return appended;
  }

  bounds(): LogBounds {
    return this.#log.bounds();
  }

  read(after: number, options: ReadOptions): Promise<ReadResult> {
    return this.#log.read(after, options);
  }

  readMessage(messageId: string, after: number, options: ReadOptions): Promise<ReadResult> {
    return this.#log.readMessage(messageId, after, options);
  }

  statusOf(messageId: string): Promise<EventRecord | undefined> {
    return this.#log.statusOf(messageId);
  }

  positionAtTime(timeMs: number): Promise<number> {
    return this.#log.positionAtTime(timeMs);
  }

  recordTimeAfter(after: number): Promise<number | undefined> {
    return this.#log.recordTimeAfter(after);
  }

  waitPast(after: number, signal: AbortSignal): Promise<void> {
    return this.#log.waitPast(after, signal);
  }

  removeThrough(position: number): Promise<void> {
    return this.#log.removeThrough(position);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#log.close();
    await Promise.all([this.#retention.stop(), this.#stores.stop()]);
    // The writer closes last: its connection moves the write-ahead log into the file.
    this.#parts.connection.close();
    await this.#writer.close();
    this.#parts.lock[Symbol.dispose]();
  }
}
