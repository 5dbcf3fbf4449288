import { cursorExpired } from "../cursor.ts";
import type { EventRecord, LogBounds, LogHealth, ReadOptions, ReadResult } from "../event-log.ts";
import { HeadWaiters } from "./head-waiters.ts";
import type { LogConnection } from "./log-connection.ts";
import { logUnavailable } from "./log-errors.ts";
import type { OpenedFile } from "./opened-file.ts";
import type { RecentRecords } from "./recent-records.ts";
import type { WriterState } from "./writer.ts";

/** What a {@link LocalLog} is made of. */
export interface LocalLogParts {
  readonly state: WriterState;
  readonly connection: LogConnection;
  readonly recent: RecentRecords;
  readonly file: OpenedFile;
  /** Has the writer remove the oldest events up to a position, or as many as one step takes; tells how far it came. */
  readonly remove: (through: number) => Promise<number>;
}

const FILE_GONE = "the event log's file was deleted or replaced; restart the service";
const CLOSED = "the event log is closed";

/**
 * The events in a file of this process: where they begin and end, every read
 * of them, and the removal of the oldest. Whoever writes the file tells the
 * head. Sequences may have gaps.
 */
export class LocalLog {
  readonly id: string;
  readonly #parts: LocalLogParts;
  readonly #connection: LogConnection;
  readonly #waiters = new HeadWaiters();
  #earliest: number;
  #head: number;
  #removing: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(parts: LocalLogParts) {
    this.id = parts.state.logId;
    this.#parts = parts;
    this.#connection = parts.connection;
    this.#earliest = parts.state.earliest;
    this.#head = parts.state.head;
  }

  /** Everything up to this sequence is committed: reads find it, and who waited for it is woken. */
  advance(head: number): void {
    this.#head = head;
    this.#waiters.wake(head);
  }

  /** See {@link EventLog.health}; `trouble` is that of the writer. */
  health(trouble: Error | undefined): LogHealth {
    if (this.#isClosed) return { ok: false, reason: CLOSED };
    const problem = trouble ?? this.#connection.damage;
    if (problem !== undefined) return { ok: false, reason: problem.message };
    return this.#parts.file.isInPlace() ? { ok: true } : { ok: false, reason: FILE_GONE };
  }

  /** Bytes of the file that hold something. @throws ServiceError LOG_UNAVAILABLE */
  usedBytes(): number {
    return this.#connection.read((reader) => reader.usedBytes());
  }

  bounds(): LogBounds {
    return { earliest: this.#earliest, head: this.#head };
  }

  async read(after: number, options: ReadOptions): Promise<ReadResult> {
    this.requireOpen();
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
    this.requireOpen();
    if (messageId === "" || after >= this.#head)
      return { records: [], examinedTo: Math.max(after, this.#head) };
    const from = Math.max(after, this.#earliest);
    return this.#connection.readMessages((reader) => reader.read(messageId, from, this.#head, options));
  }

  async statusOf(messageId: string): Promise<EventRecord | undefined> {
    this.requireOpen();
    if (messageId === "") return undefined;
    const { earliest, head } = this.bounds();
    return this.#connection.readMessages((reader) => reader.lastStatus(messageId, earliest, head));
  }

  async positionAtTime(timeMs: number): Promise<number> {
    this.requireOpen();
    return this.#connection.read((reader) => reader.positionAt(timeMs, this.#earliest, this.#head));
  }

  async recordTimeAfter(after: number): Promise<number | undefined> {
    this.requireOpen();
    if (after >= this.#head) return undefined;
    const first = this.#connection.read((reader) => reader.firstAfter(after));
    // Up to the head there may be no event left; one past it is not announced yet.
    return first !== undefined && first.sequence <= this.#head ? first.recordTimeMs : undefined;
  }

  async waitPast(after: number, signal: AbortSignal): Promise<void> {
    if (this.#head > after || this.#isClosed) return;
    await this.#waiters.wait(after, signal);
  }

  /** Removes the events up to a position, in small steps that let the writer's other work through. */
  async removeThrough(position: number): Promise<void> {
    const target = Math.min(position, this.#head);
    while (this.#earliest < target) await this.removeStep(target);
  }

  /** Removes the oldest events up to a position, or as many of them as one step takes. */
  removeStep(target: number): Promise<void> {
    const removed = this.#removing.then(async () => {
      const before = this.#earliest;
      if (before >= target) return;
      // Raised before the rows go, and no further than they do: a read either finds them or is refused, never skips them.
      this.#earliest = this.#connection.endOfRemovalStep(before, target);
      this.#parts.recent.removeThrough(this.#earliest);
      try {
        this.#earliest = await this.#parts.remove(this.#earliest);
      } catch (error) {
        this.#earliest = before;
        throw error;
      }
    });
    this.#removing = removed.catch(() => {});
    return removed;
  }

  /** Ends all reads and waits. The connection is the owner's to close. */
  close(): void {
    this.#isClosed = true;
    this.#waiters.wake(Number.POSITIVE_INFINITY);
  }

  /** What is stored in a deleted file is gone with the process, so it is not confirmed. @throws ServiceError LOG_UNAVAILABLE */
  requireInPlace(): void {
    if (!this.#parts.file.isInPlaceNow()) throw logUnavailable(new Error(FILE_GONE));
  }

  /** @throws ServiceError LOG_UNAVAILABLE */
  requireOpen(): void {
    if (this.#isClosed) throw logUnavailable(new Error(CLOSED));
  }

  #readFile(after: number, options: ReadOptions): ReadResult {
    return this.#connection.read((reader) => reader.read(after, this.#head, options));
  }
}
