import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  MAX_LIST_BYTES,
  type SubmissionPage,
  type SubmissionQuery,
  type SubmissionRecord,
} from "../../submission-store.ts";
import { ACCEPTED } from "./stored-state.ts";
import { LISTED_COLUMNS, type ListedRow, listedRecord } from "./submission-rows.ts";

/** Numbers of records for a page, newest first. */
interface Candidates {
  readonly numbers: readonly number[];
  /** As SubmissionPage.examinedTo. */
  readonly examinedTo: number;
}

/** Lists records by number. What a record is to be sent as is never read for it. */
export class SubmissionLists {
  readonly #scan: StatementSync;
  readonly #inState: StatementSync;
  readonly #row: StatementSync;

  /** @throws an error of node:sqlite */
  constructor(database: DatabaseSync) {
    const prepare = (sql: string): StatementSync => {
      const statement = database.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    this.#scan = prepare(
      "SELECT number, state FROM submissions NOT INDEXED WHERE number < ? ORDER BY number DESC LIMIT ?",
    );
    this.#inState = prepare(
      "SELECT number FROM submissions INDEXED BY submissions_in_state " +
        `WHERE state = ? AND state <> ${ACCEPTED} AND number < ? ORDER BY number DESC LIMIT ?`,
    );
    this.#row = prepare(`SELECT ${LISTED_COLUMNS} FROM submissions WHERE number = ?`);
  }

  /** See SubmissionStore.list. */
  page(query: SubmissionQuery): SubmissionPage {
    const { states } = query;
    const isIndexed = states.length > 0 && !states.includes(ACCEPTED);
    const { numbers, examinedTo } = isIndexed ? this.#byState(query) : this.#byScan(query);
    const records: SubmissionRecord[] = [];
    let bytes = 0;
    for (const number of numbers) {
      const row = this.#row.get(number) as ListedRow | undefined;
      // A commit may have changed it since its number was read.
      if (row === undefined || (states.length > 0 && !states.includes(row[1]))) continue;
      const record = listedRecord(row);
      records.push(record);
      bytes += record.outcome.length;
      if (bytes >= MAX_LIST_BYTES && number !== numbers.at(-1)) return { records, examinedTo: number };
    }
    return { records, examinedTo };
  }

  #byScan({ before, states, limit, maxExamined }: SubmissionQuery): Candidates {
    // One more than is examined, to see whether something is left.
    const most = states.length === 0 ? Math.min(limit, maxExamined) : maxExamined;
    const rows = this.#scan.all(before, most + 1) as unknown as [number: number, state: number][];
    const wanted = new Set<number>(states);
    const numbers: number[] = [];
    let examined = 0;
    let examinedTo = before;
    for (const [number, state] of rows) {
      if (numbers.length === limit || examined === maxExamined) return { numbers, examinedTo };
      examined++;
      examinedTo = number;
      if (states.length === 0 || wanted.has(state)) numbers.push(number);
    }
    return { numbers, examinedTo: 0 };
  }

  #byState({ before, states, limit }: SubmissionQuery): Candidates {
    const numbers = [...new Set(states)]
      .flatMap((state) => this.#inState.all(state, before, limit + 1) as unknown as [number][])
      .map(([number]) => number)
      .sort((a, b) => b - a);
    const taken = numbers.slice(0, limit);
    return { numbers: taken, examinedTo: numbers.length > limit ? (taken.at(-1) ?? before) : 0 };
  }
}
