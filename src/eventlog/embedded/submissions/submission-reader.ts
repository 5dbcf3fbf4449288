import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { SubmissionRecord } from "../../submission-store.ts";
import { readWith } from "../event-rows.ts";
import { ACCEPTED, FIRST_DONE, QUEUED, SENDING } from "./stored-state.ts";
import { SUBMISSION_COLUMNS, type SubmissionRow, wholeRecord } from "./submission-rows.ts";

const DUE = `FROM submissions INDEXED BY submissions_due WHERE state = ${QUEUED}`;
const EXPIRING = `FROM submissions INDEXED BY submissions_expiry WHERE state = ${QUEUED} AND expire_after > 0`;

/** Reads records through the indexes that the outbox works by. */
export class SubmissionReader {
  readonly #get: StatementSync;
  readonly #dueThen: StatementSync;
  readonly #dueLater: StatementSync;
  readonly #nextDue: StatementSync;
  readonly #expired: StatementSync;
  readonly #nextExpiry: StatementSync;
  readonly #sending: StatementSync;
  readonly #doneBefore: StatementSync;

  /** @throws an error of node:sqlite */
  constructor(database: DatabaseSync) {
    const prepare = (sql: string): StatementSync => {
      const statement = database.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    const read = (sql: string): StatementSync => prepare(`SELECT ${SUBMISSION_COLUMNS} ${sql}`);
    this.#get = read("FROM submissions INDEXED BY submissions_id WHERE id = ? ORDER BY number DESC LIMIT 1");
    this.#dueThen = read(`${DUE} AND due_time = ? AND number > ? ORDER BY number LIMIT ?`);
    this.#dueLater = read(`${DUE} AND due_time > ? AND due_time <= ? ORDER BY due_time, number LIMIT ?`);
    this.#nextDue = prepare(`SELECT due_time ${DUE} AND due_time > ? ORDER BY due_time LIMIT 1`);
    this.#expired = read(`${EXPIRING} AND expire_after <= ? ORDER BY expire_after, number LIMIT ?`);
    this.#nextExpiry = prepare(`SELECT expire_after ${EXPIRING} ORDER BY expire_after LIMIT 1`);
    this.#sending = read(
      "FROM submissions INDEXED BY submissions_in_state " +
        `WHERE state = ${SENDING} AND state <> ${ACCEPTED} AND number > ? ORDER BY number LIMIT ?`,
    );
    this.#doneBefore = prepare(
      "SELECT number FROM submissions INDEXED BY submissions_done " +
        `WHERE state >= ${FIRST_DONE} AND update_time < ? ORDER BY update_time, number LIMIT ?`,
    );
  }

  /** The record of an id. */
  get(id: string): SubmissionRecord | undefined {
    const row = this.#get.get(id) as SubmissionRow | undefined;
    return row && wholeRecord(row);
  }

  /** See SubmissionStore.due. */
  due(
    timeMs: number,
    after: { readonly dueTimeMs: number; readonly number: number } | undefined,
    limit: number,
    maxBytes: number,
  ): SubmissionRecord[] {
    const records: SubmissionRecord[] = [];
    let left = maxBytes;
    const from = after?.dueTimeMs ?? Number.MIN_SAFE_INTEGER;
    if (after !== undefined && from <= timeMs)
      left = collect(this.#dueThen, [from, after.number, limit], records, left);
    if (left > 0 && records.length < limit)
      collect(this.#dueLater, [from, Math.floor(timeMs), limit - records.length], records, left);
    return records;
  }

  /** See SubmissionStore.nextDue. */
  nextDue(afterMs: number): number | undefined {
    return (this.#nextDue.get(afterMs) as [number] | undefined)?.[0];
  }

  /** See SubmissionStore.expired. */
  expired(timeMs: number, limit: number, maxBytes: number): SubmissionRecord[] {
    const records: SubmissionRecord[] = [];
    collect(this.#expired, [timeMs, limit], records, maxBytes);
    return records;
  }

  /** See SubmissionStore.nextExpiry. */
  nextExpiry(): number | undefined {
    return (this.#nextExpiry.get() as [number] | undefined)?.[0];
  }

  /** See SubmissionStore.sending. */
  sending(after: number, limit: number, maxBytes: number): SubmissionRecord[] {
    const records: SubmissionRecord[] = [];
    collect(this.#sending, [after, limit], records, maxBytes);
    return records;
  }

  /** See SubmissionStore.doneBefore. */
  doneBefore(timeMs: number, limit: number): number[] {
    return (this.#doneBefore.all(timeMs, limit) as unknown as [number][]).map(([number]) => number);
  }
}

/** Adds records until one passes the bytes; returns what is left of those. */
function collect(
  statement: StatementSync,
  values: readonly number[],
  records: SubmissionRecord[],
  maxBytes: number,
): number {
  return readWith(statement, () => {
    let left = maxBytes;
    for (const row of statement.iterate(...values)) {
      const record = wholeRecord(row as unknown as SubmissionRow);
      records.push(record);
      left -= record.request.length + record.outcome.length;
      if (left <= 0) break;
    }
    return left;
  });
}
