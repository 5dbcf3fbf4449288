import type { SendMessagesRequest } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { ensureServiceError, type ServiceError } from "../errors.ts";
import type { SubmissionRecord, SubmissionStore } from "../eventlog/submission-store.ts";
import type { Entries } from "./entries.ts";
import { Entry } from "./entry.ts";
import type { KeyLock } from "./key-lock.ts";
import { ReadyQueue } from "./ready-queue.ts";
import { bytesOf } from "./tally.ts";

/** Wait after a read that failed, in milliseconds. */
const READ_RETRY_MS = 1_000;

/** Place of a submission in the order of sending. */
interface Position {
  readonly dueTimeMs: number;
  readonly number: number;
}

/** What {@link Window} works with. */
export interface WindowOptions {
  readonly store: Pick<SubmissionStore, "due" | "nextDue">;
  readonly entries: Entries;
  readonly locks: KeyLock;
  /** Most submissions that wait in memory. */
  readonly capacity: number;
  /** Most bytes of their requests. */
  readonly byteCapacity: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Milliseconds on a clock that only goes forward. */
  readonly clock: () => number;
  /** There is something to take, or a time to wait for. */
  readonly onLoaded: () => void;
  readonly onTrouble: (error: ServiceError) => void;
}

/**
 * The part of the submissions that are due which is in memory, in order. Those
 * before the position up to which the store was read are in memory, or are
 * being changed by somebody; the others wait in the store.
 */
export class Window {
  readonly #options: WindowOptions;
  readonly #ready = new ReadyQueue();
  #position: Position | undefined;
  /** Set back meanwhile, by what was left to the store during a read. */
  #setBack: Position | undefined;
  /** There may be something due in the store that is not in memory. */
  #hasBacklog = true;
  #nextDueMs = Number.POSITIVE_INFINITY;
  #loading: Promise<void> | undefined;
  #loadNotBefore = 0;

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  /** Milliseconds until something can be taken or read that cannot now; Infinity when nothing is known of. */
  get waitMs(): number {
    if (this.#hasBacklog) {
      const isWaiting = this.#loading === undefined && this.#hasRoom();
      return isWaiting ? Math.max(0, this.#loadNotBefore - this.#options.clock()) : Number.POSITIVE_INFINITY;
    }
    return Math.max(0, this.#nextDueMs - this.#options.now());
  }

  /** Takes a submission into memory that has just been stored, or leaves it to the store. */
  add(record: SubmissionRecord, request: SendMessagesRequest): void {
    const { now, capacity, byteCapacity } = this.#options;
    const isNext = !this.#hasBacklog && this.#loading === undefined;
    const hasRoom = this.#ready.size < capacity && this.#ready.bytes < byteCapacity;
    if (isNext && hasRoom && record.dueTimeMs <= now()) {
      this.#open(new Entry(record, request));
    } else {
      this.leave(record);
    }
  }

  /** A submission is or may be QUEUED in the store and is not in memory. */
  leave({ dueTimeMs, number }: SubmissionRecord): void {
    const place = { dueTimeMs, number: number - 1 };
    this.#position = earlier(this.#position, place);
    this.#setBack = earlier(this.#setBack ?? place, place);
    if (dueTimeMs <= this.#options.now()) this.#hasBacklog = true;
    else this.#nextDueMs = Math.min(this.#nextDueMs, dueTimeMs);
  }

  peek(): Entry | undefined {
    return this.#ready.peek();
  }

  shift(): Entry | undefined {
    return this.#ready.shift();
  }

  putBack(entry: Entry): void {
    this.#ready.putBack(entry);
  }

  withdrawn(entry: Entry): void {
    this.#ready.withdrawn(entry);
  }

  /** Reads on when there is room and something may be due. */
  fill(): void {
    const { now, clock } = this.#options;
    if (this.#nextDueMs <= now()) this.#hasBacklog = true;
    if (this.#loading !== undefined || !this.#hasBacklog || clock() < this.#loadNotBefore) return;
    if (this.#hasRoom()) this.#loading = this.#load();
  }

  /** Resolves when no read is under way. */
  async idle(): Promise<void> {
    await this.#loading;
  }

  /** Reads are worth it when they bring much at once. */
  #hasRoom(): boolean {
    const { capacity, byteCapacity } = this.#options;
    return this.#ready.size <= capacity / 2 && this.#ready.bytes <= byteCapacity / 2;
  }

  /** Never rejects. */
  async #load(): Promise<void> {
    try {
      await this.#read();
    } catch (error) {
      this.#hasBacklog = true;
      this.#loadNotBefore = this.#options.clock() + READ_RETRY_MS;
      this.#options.onTrouble(ensureServiceError(error));
    }
    this.#loading = undefined;
    this.#options.onLoaded();
  }

  async #read(): Promise<void> {
    const { store, entries, now, capacity, byteCapacity } = this.#options;
    const timeMs = now();
    const limit = capacity - this.#ready.size;
    const maxBytes = byteCapacity - this.#ready.bytes;
    this.#setBack = undefined;
    this.#nextDueMs = Number.POSITIVE_INFINITY;
    this.#hasBacklog = false;
    const { result: page, changed } = await entries.read(() =>
      store.due(timeMs, this.#position, limit, maxBytes),
    );
    const last = page.at(-1);
    if (last !== undefined) this.#position = { dueTimeMs: last.dueTimeMs, number: last.number };
    if (this.#setBack !== undefined) this.#position = earlier(this.#position, this.#setBack);
    // A submission that changed meanwhile was left to the store by whoever changed it, if it still waits.
    for (const record of page) if (!changed.has(record.number)) this.#take(record);
    const bytes = page.reduce((sum, record) => sum + bytesOf(record), 0);
    if (page.length >= limit || bytes >= maxBytes) {
      this.#hasBacklog = true;
      return;
    }
    const next = await store.nextDue(timeMs);
    if (next !== undefined) this.#nextDueMs = Math.min(this.#nextDueMs, next);
  }

  #take(record: SubmissionRecord): void {
    const { entries, locks } = this.#options;
    if (entries.get(record.id) !== undefined) return;
    const free = locks.whenFree(record.id);
    if (free === undefined) this.#open(new Entry(record));
    else void free.then(() => this.#leaveAgain(record));
  }

  /** Somebody who looked at it has let go of it. */
  #leaveAgain(record: SubmissionRecord): void {
    if (this.#options.entries.get(record.id) !== undefined) return;
    this.leave(record);
    this.#options.onLoaded();
  }

  #open(entry: Entry): void {
    this.#options.entries.open(entry);
    this.#ready.push(entry);
  }
}

function earlier(a: Position | undefined, b: Position): Position | undefined {
  if (a === undefined) return undefined;
  const isLater = b.dueTimeMs > a.dueTimeMs || (b.dueTimeMs === a.dueTimeMs && b.number >= a.number);
  return isLater ? a : b;
}
