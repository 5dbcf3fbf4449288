import type { AnswerStore } from "../answer-store.ts";
import { cursorExpired } from "../cursor.ts";
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
import { HeadWaiters } from "./head-waiters.ts";
import type { LogConnection } from "./log-connection.ts";
import { LogWriteError, logUnavailable } from "./log-errors.ts";
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

const FILE_GONE = "the event log's file was deleted or replaced; restart the service";

/** See {@link EmbeddedEventLog}. */
export class EmbeddedLog implements EmbeddedEventLog {
  readonly id: string;
  readonly #parts: EmbeddedLogParts;
  readonly #connection: LogConnection;
  readonly #writer: WriterClient;
  readonly #retention: Retention;
  readonly #stores: LogStores;
  readonly #waiters = new HeadWaiters();
  #earliest: number;
  #head: number;
  #removing: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(parts: EmbeddedLogParts) {
    this.id = parts.state.logId;
    this.#parts = parts;
    this.#connection = parts.connection;
    this.#earliest = parts.state.earliest;
    this.#head = parts.state.head;
    this.#writer = parts.connectWriter({
      onHead: (head) => {
        this.#head = head;
        this.#waiters.wake(head);
      },
      onFailure: (error) => {
        if (error instanceof LogWriteError && error.code === "SQLITE_FULL") void this.#retention.check();
      },
      onTaken: (bytes) => this.#retention.taken(bytes),
    });
    this.#stores = parts.createStores({
      writer: this.#writer,
      requireInPlace: () => this.#requireInPlace(),
    });
    this.#retention = new Retention({
      ...parts.retention,
      now: parts.now,
      log: {
        bounds: () => this.bounds(),
        positionAtTime: (timeMs) => this.positionAtTime(timeMs),
        removeStep: (target) => this.#removeStep(target),
        usedBytes: () => this.#connection.read((reader) => reader.usedBytes()),
      },
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
    if (this.#closed !== undefined) return { ok: false, reason: "the event log is closed" };
    const trouble = this.#writer.trouble ?? this.#connection.damage;
    if (trouble !== undefined) return { ok: false, reason: trouble.message };
    return this.#parts.file.isInPlace() ? { ok: true } : { ok: false, reason: FILE_GONE };
  }

  async stats(): Promise<LogStats> {
    this.#requireOpen();
    // Sequences have no gaps, see EventInserter.
    const events = this.#head - this.#earliest;
    const sizeBytes = this.#connection.read((reader) => reader.usedBytes());
    return { events, sizeBytes, retention: this.#retention.limits };
  }

  async append(events: readonly NewEvent[]): Promise<AppendResult> {
    if (events.length === 0) return { appended: 0, duplicates: 0 };
    const appended = await this.#writer.append(events, Math.floor(this.#parts.now()));
    this.#requireInPlace();
    return appended;
  }

  bounds(): LogBounds {
    return { earliest: this.#earliest, head: this.#head };
  }

  async read(after: number, options: ReadOptions): Promise<ReadResult> {
    this.#requireOpen();
    if (after < this.#earliest) throw cursorExpired(this.id, this.#earliest);
    // Rows that are committed but not yet announced stay out, so that no reader is ahead of bounds().
    if (after >= this.#head) return { records: [], examinedTo: after };
    const { recent } = this.#parts;
    if (options.includeRaw) return this.#readFile(after, options);
    const known = recent.read(after, options);
    if (known !== undefined) return known;
    if (!recent.wants(after, this.#head)) return this.#readFile(after, options);
    const { limit, maxBytes } = options;
    recent.add(after, this.#readFile(after, { limit, maxBytes, includeRaw: false }));
    return recent.read(after, options) ?? this.#readFile(after, options);
  }

  async readMessage(messageId: string, after: number, options: ReadOptions): Promise<ReadResult> {
    this.#requireOpen();
    if (messageId === "" || after >= this.#head)
      return { records: [], examinedTo: Math.max(after, this.#head) };
    const from = Math.max(after, this.#earliest);
    return this.#connection.readMessages((reader) => reader.read(messageId, from, this.#head, options));
  }

  async statusOf(messageId: string): Promise<EventRecord | undefined> {
    this.#requireOpen();
    if (messageId === "") return undefined;
    const { earliest, head } = this.bounds();
    return this.#connection.readMessages((reader) => reader.lastStatus(messageId, earliest, head));
  }

  async positionAtTime(timeMs: number): Promise<number> {
    this.#requireOpen();
    return this.#connection.read((reader) => reader.positionAt(timeMs, this.#earliest, this.#head));
  }

  async recordTimeAfter(after: number): Promise<number | undefined> {
    this.#requireOpen();
    if (after >= this.#head) return undefined;
    return this.#connection.read((reader) => reader.firstAfter(after))?.recordTimeMs;
  }

  async waitPast(after: number, signal: AbortSignal): Promise<void> {
    if (this.#head > after || this.#closed !== undefined) return;
    await this.#waiters.wait(after, signal);
  }

  async removeThrough(position: number): Promise<void> {
    const target = Math.min(position, this.#head);
    while (this.#earliest < target) await this.#removeStep(target);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#waiters.wake(Number.POSITIVE_INFINITY);
    await Promise.all([this.#retention.stop(), this.#stores.stop()]);
    // The writer closes last: its connection moves the write-ahead log into the file.
    this.#connection.close();
    await this.#writer.close();
    this.#parts.lock[Symbol.dispose]();
  }

  /** Removes the oldest events up to a position, or as many of them as one step takes. */
  #removeStep(target: number): Promise<void> {
    const removed = this.#removing.then(async () => {
      const before = this.#earliest;
      if (before >= target) return;
      // Raised before the rows go, and no further than they do: a read either finds them or is refused, never skips them.
      this.#earliest = this.#connection.endOfRemovalStep(before, target);
      this.#parts.recent.removeThrough(this.#earliest);
      try {
        this.#earliest = await this.#writer.remove(this.#earliest);
      } catch (error) {
        this.#earliest = before;
        throw error;
      }
    });
    this.#removing = removed.catch(() => {});
    return removed;
  }

  #readFile(after: number, options: ReadOptions): ReadResult {
    return this.#connection.read((reader) => reader.read(after, this.#head, options));
  }

  /** What is stored in a deleted file is gone with the process, so it is not confirmed. */
  #requireInPlace(): void {
    if (!this.#parts.file.isInPlaceNow()) throw logUnavailable(new Error(FILE_GONE));
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw logUnavailable(new Error("the event log is closed"));
  }
}
