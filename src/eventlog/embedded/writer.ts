import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { AppendResult } from "../event-log.ts";
import { writeRecordTime } from "../stored-event.ts";
import { type PackedEvent, unpackBatch } from "./batch-buffer.ts";

/** A batch in the queue of the writer. */
export interface QueuedBatch {
  readonly buffer: Buffer;
  /** Unix milliseconds when append() was called. */
  readonly timeMs: number;
}

/** What the log holds, as of the last commit. */
export interface WriterState {
  readonly logId: string;
  readonly earliest: number;
  readonly head: number;
  readonly lastRecordTimeMs: number;
}

/** How the writing connection promises to keep what it has committed. Fixed for the connection's life. */
export interface Durability {
  /** `wal` on every file system that can share memory. */
  readonly journalMode: string;
  /** 2, FULL: each commit is synced before it is confirmed. */
  readonly synchronous: number;
}

/** The one writer of a log: gives out sequences and commits groups of batches. */
export class Writer {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #saveHead: StatementSync;
  readonly #saveEarliest: StatementSync;
  readonly #remove: StatementSync;
  #state: WriterState;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#insert = database.prepare(
      "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    );
    this.#saveHead = database.prepare("UPDATE log_state SET head = ?, last_record_time = ?");
    this.#saveEarliest = database.prepare("UPDATE log_state SET earliest = ?");
    this.#remove = database.prepare("DELETE FROM events WHERE sequence > ? AND sequence <= ?");
    this.#state = readState(database);
  }

  get durability(): Durability {
    const { journal_mode } = this.#database.prepare("PRAGMA journal_mode").get() ?? {};
    const { synchronous } = this.#database.prepare("PRAGMA synchronous").get() ?? {};
    return { journalMode: String(journal_mode), synchronous: Number(synchronous) };
  }

  get state(): WriterState {
    return this.#state;
  }

  /** Stores all batches in one transaction; when it throws, none of them is stored. */
  commit(batches: readonly QueuedBatch[]): AppendResult[] {
    const timeMs = batches.reduce(
      (most, batch) => Math.max(most, batch.timeMs),
      this.#state.lastRecordTimeMs,
    );
    return this.#transaction(() => {
      let head = this.#state.head;
      const results = batches.map(({ buffer }) => {
        const result = this.#store(buffer, timeMs, head);
        head += result.appended;
        return result;
      });
      this.#saveHead.run(head, timeMs);
      return { value: results, state: { ...this.#state, head, lastRecordTimeMs: timeMs } };
    });
  }

  /** Removes everything up to a position, which must lie between earliest and head. */
  remove(through: number): void {
    this.#transaction(() => {
      this.#remove.run(this.#state.earliest, through);
      this.#saveEarliest.run(through);
      return { value: undefined, state: { ...this.#state, earliest: through } };
    });
  }

  close(): void {
    this.#database.close();
  }

  #store(batch: Buffer, timeMs: number, head: number): AppendResult {
    let appended = 0;
    let duplicates = 0;
    for (const event of unpackBatch(batch)) {
      const encodedEnd = writeRecordTime(batch, event.encodedEnd, timeMs);
      const encoded = batch.subarray(event.encodedAt, encodedEnd);
      // A sequence is used up only by a row that was stored, so repeats leave no gaps.
      if (this.#insertEvent(head + appended + 1, timeMs, event, encoded)) appended++;
      else duplicates++;
    }
    return { appended, duplicates };
  }

  #insertEvent(sequence: number, timeMs: number, event: PackedEvent, encoded: Uint8Array): boolean {
    const { changes } = this.#insert.run(
      sequence,
      timeMs,
      event.type,
      event.channel,
      event.final,
      event.messageId,
      event.fingerprint,
      event.bulkId,
      event.sender,
      event.destination,
      event.applicationId,
      event.entityId,
      encoded,
      event.raw,
    );
    return changes === 1;
  }

  #transaction<T>(work: () => { value: T; state: WriterState }): T {
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      const { value, state } = work();
      this.#database.exec("COMMIT");
      this.#state = state;
      return value;
    } catch (error) {
      // SQLite has already rolled back after some errors, a full disk among them.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }
}

function readState(database: DatabaseSync): WriterState {
  const row = database.prepare("SELECT log_id, earliest, head, last_record_time FROM log_state").get();
  if (row === undefined) throw new Error("the event log has lost its state row");
  return {
    logId: String(row.log_id),
    earliest: Number(row.earliest),
    head: Number(row.head),
    lastRecordTimeMs: Number(row.last_record_time),
  };
}
