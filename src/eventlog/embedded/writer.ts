import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { AppendResult } from "../event-log.ts";
import { type AnswerRemoval, AnswerWriter } from "./answers/answer-writer.ts";
import { unpackBatch } from "./batch-buffer.ts";
import { EventInserter } from "./event-inserter.ts";
import { RemovalStep } from "./removal-step.ts";
import { type AppliedEntries, ReplicaWriter } from "./replica-writer.ts";
import { SubmissionWriter } from "./submissions/submission-writer.ts";
import { SubscriptionWriter } from "./subscription-writer.ts";
import type { CommitMessage, CommitResult, ReplicaMessage } from "./writer-messages.ts";

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
  /** 2, FULL: each commit is synced before it is confirmed. A replica has 1, NORMAL: the last ones may be lost. */
  readonly synchronous: number;
}

const NO_EVENTS: AppendResult = { appended: 0, duplicates: 0 };

/**
 * The one writer of a log: gives out sequences and commits what waits in
 * groups. The writer of a replica stores the sequences it is given.
 */
export class Writer {
  readonly #database: DatabaseSync;
  readonly #events: EventInserter;
  readonly #subscriptions: SubscriptionWriter;
  readonly #answers: AnswerWriter;
  readonly #submissions: SubmissionWriter;
  readonly #replica: ReplicaWriter | undefined;
  readonly #saveHead: StatementSync;
  readonly #saveEarliest: StatementSync;
  readonly #step: RemovalStep;
  readonly #remove: StatementSync;
  readonly #fill: StatementSync;
  readonly #empty: StatementSync;
  #state: WriterState;

  constructor(database: DatabaseSync, isReplica: boolean) {
    this.#database = database;
    this.#events = new EventInserter(database);
    this.#subscriptions = new SubscriptionWriter(database);
    this.#answers = new AnswerWriter(database);
    this.#submissions = new SubmissionWriter(database);
    this.#replica = isReplica ? new ReplicaWriter(database, this.#events) : undefined;
    this.#saveHead = database.prepare("UPDATE log_state SET head = ?, last_record_time = ?");
    this.#saveEarliest = database.prepare("UPDATE log_state SET earliest = ?");
    this.#step = new RemovalStep(database);
    this.#remove = database.prepare("DELETE FROM events WHERE sequence > ? AND sequence <= ?");
    this.#fill = database.prepare("INSERT INTO trial VALUES (zeroblob(?))");
    this.#empty = database.prepare("DELETE FROM trial");
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

  /** Stores everything in one transaction; when it throws, nothing is stored. */
  commit(work: readonly CommitMessage[]): CommitResult[] {
    const timeMs = work.reduce(
      (most, piece) => (hasEvents(piece) ? Math.max(most, piece.timeMs) : most),
      this.#state.lastRecordTimeMs,
    );
    return this.#transaction(() => {
      let { head } = this.#state;
      let lastTimeMs = timeMs;
      const results = work.map((piece) => {
        if (piece.kind === "replica") {
          const { result, lastRecordTimeMs } = this.#apply(piece, lastTimeMs);
          head = piece.through;
          lastTimeMs = lastRecordTimeMs;
          return result;
        }
        if (piece.kind === "change") return this.#subscriptions.apply(piece.changes);
        if (piece.kind === "answers") return this.#answers.apply(piece.batch, piece.timeMs, piece.expiredMs);
        if (piece.kind === "submissions") this.#submissions.apply(piece.changes);
        const { batch } = piece;
        const result = batch === undefined ? NO_EVENTS : this.#store(Buffer.from(batch), timeMs, head);
        head += result.appended;
        return result;
      });
      if (head !== this.#state.head || lastTimeMs !== this.#state.lastRecordTimeMs)
        this.#saveHead.run(head, lastTimeMs);
      return { value: results, state: { ...this.#state, head, lastRecordTimeMs: lastTimeMs } };
    });
  }

  /**
   * Removes the oldest events up to a position, which must not lie past the
   * head, or as many of them as one step takes. Returns how far it came.
   */
  remove(through: number): number {
    const { earliest } = this.#state;
    if (through <= earliest) return earliest;
    return this.#transaction(() => {
      const to = this.#step.endOf(earliest, through);
      const removed = this.#remove.run(earliest, to);
      this.#replica?.removed(Number(removed.changes));
      this.#saveEarliest.run(to);
      return { value: to, state: { ...this.#state, earliest: to } };
    });
  }

  /** Removes answers that were saved at a time or before, or as many of them as one step takes. */
  expire(expiredMs: number): AnswerRemoval {
    return this.#transaction(() => ({ value: this.#answers.removeExpired(expiredMs), state: this.#state }));
  }

  /** Stores so many bytes and removes them again, to see whether that can be done. */
  try(bytes: number): void {
    this.#fill.run(bytes);
    this.#empty.run();
  }

  close(): void {
    this.#database.close();
  }

  #apply({ batch }: ReplicaMessage, lastRecordTimeMs: number): AppliedEntries {
    if (this.#replica === undefined)
      throw new Error("an event log that is no replica was given entries of another");
    return this.#replica.apply(batch, lastRecordTimeMs);
  }

  #store(batch: Buffer, timeMs: number, head: number): AppendResult {
    let appended = 0;
    let duplicates = 0;
    for (const event of unpackBatch(batch)) {
      // A sequence is used up only by a row that was stored, so repeats leave no gaps.
      if (this.#events.insert(batch, event, head + appended + 1, timeMs)) appended++;
      else duplicates++;
    }
    return { appended, duplicates };
  }

  #transaction<T>(work: () => { value: T; state: WriterState }): T {
    try {
      this.#rollBack();
      this.#database.exec("BEGIN IMMEDIATE");
      const { value, state } = work();
      this.#answers.save();
      this.#submissions.save();
      this.#database.exec("COMMIT");
      this.#state = state;
      return value;
    } catch (error) {
      this.#rollBack();
      this.#answers.forget();
      this.#submissions.forget();
      throw error;
    }
  }

  /** Ends an open transaction, if there is one: SQLite has already rolled back after some errors, a full disk among them. */
  #rollBack(): void {
    try {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
    } catch {
      // What failed first is what is told; the next transaction begins with another try.
    }
  }
}

function hasEvents(
  piece: CommitMessage,
): piece is Extract<CommitMessage, { kind: "append" | "submissions" }> {
  return piece.kind === "append" || (piece.kind === "submissions" && piece.batch !== undefined);
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
