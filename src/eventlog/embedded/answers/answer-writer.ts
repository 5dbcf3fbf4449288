import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type PackedAnswer, unpackAnswers } from "./answer-buffer.ts";

/** Most answers that one step of a removal deletes: with random ids each is a page of the index. */
export const EXPIRE_STEP_ANSWERS = 250;
/** Bytes of answers after which a step of a removal ends. */
const EXPIRE_STEP_BYTES = 4 * 1024 * 1024;

/** What is stored of answers after a change. */
export interface AnswerTotals {
  readonly answers: number;
  /** As answerBytes counts them. */
  readonly bytes: number;
}

/** Result of one step of a removal. */
export interface AnswerRemoval extends AnswerTotals {
  readonly removed: number;
  /** Whether the step has ended before the last of those that were to be removed. */
  readonly hasMore: boolean;
}

type FirstRow = [number: number, saveTimeMs: number, bytes: number];

/** Stores answers and removes old ones; the caller holds the transaction. */
export class AnswerWriter {
  readonly #load: StatementSync;
  readonly #save: StatementSync;
  readonly #insert: StatementSync;
  readonly #removeExpired: StatementSync;
  readonly #first: StatementSync;
  readonly #removeFirst: StatementSync;
  #totals: AnswerTotals | undefined;
  #isChanged = false;

  /** @throws an error of node:sqlite */
  constructor(database: DatabaseSync) {
    const prepare = (sql: string): StatementSync => {
      const statement = database.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    this.#load = prepare("SELECT answers, bytes FROM answer_state");
    this.#save = prepare("UPDATE answer_state SET answers = ?, bytes = ?");
    this.#insert = prepare(
      "INSERT INTO answers (save_time, bytes, id, payload_hash, response) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    );
    this.#removeExpired = prepare("DELETE FROM answers WHERE id = ? AND save_time <= ? RETURNING bytes");
    this.#first = prepare(
      `SELECT number, save_time, bytes FROM answers ORDER BY number LIMIT ${EXPIRE_STEP_ANSWERS}`,
    );
    this.#removeFirst = prepare("DELETE FROM answers WHERE number <= ?");
  }

  /** Stores a packed batch. The first answer for an id stays, unless it was saved at `expiredMs` or before. */
  apply(batch: ArrayBuffer, timeMs: number, expiredMs: number): AnswerTotals {
    for (const answer of unpackAnswers(batch))
      if (!this.#inserts(answer, timeMs) && this.#isExpired(answer, expiredMs)) this.#inserts(answer, timeMs);
    return this.#loaded();
  }

  /** Removes the first answers, while they were saved at a time or before, or as many of them as one step takes. */
  removeExpired(expiredMs: number): AnswerRemoval {
    let last = 0;
    let removed = 0;
    let bytes = 0;
    let hasMore = false;
    for (const [number, saveTimeMs, size] of this.#first.all() as unknown as FirstRow[]) {
      hasMore = saveTimeMs <= expiredMs;
      if (!hasMore || bytes >= EXPIRE_STEP_BYTES) break;
      last = number;
      removed++;
      bytes += size;
    }
    if (removed > 0) {
      this.#removeFirst.run(last);
      this.#count(-removed, -bytes);
    }
    return { ...this.#loaded(), removed, hasMore: hasMore && removed > 0 };
  }

  /** To be called before the transaction is committed. */
  save(): void {
    if (!this.#isChanged || this.#totals === undefined) return;
    this.#save.run(this.#totals.answers, this.#totals.bytes);
    this.#isChanged = false;
  }

  /** To be called after a transaction was rolled back. */
  forget(): void {
    this.#totals = undefined;
    this.#isChanged = false;
  }

  #inserts({ requestId, payloadHash, response, bytes }: PackedAnswer, timeMs: number): boolean {
    if (this.#insert.run(timeMs, bytes, requestId, payloadHash, response).changes === 0) return false;
    this.#count(1, bytes);
    return true;
  }

  /** Removes the answer that an id has when its time has passed. */
  #isExpired({ requestId }: PackedAnswer, expiredMs: number): boolean {
    const row = this.#removeExpired.get(requestId, expiredMs) as [bytes: number] | undefined;
    if (row === undefined) return false;
    this.#count(-1, -row[0]);
    return true;
  }

  #count(answers: number, bytes: number): void {
    const totals = this.#loaded();
    this.#totals = { answers: totals.answers + answers, bytes: totals.bytes + bytes };
    this.#isChanged = true;
  }

  #loaded(): AnswerTotals {
    if (this.#totals !== undefined) return this.#totals;
    const [answers, bytes] = this.#load.get() as unknown as [number, number];
    this.#totals = { answers, bytes };
    return this.#totals;
  }
}
