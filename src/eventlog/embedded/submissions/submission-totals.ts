import type { DatabaseSync, StatementSync } from "node:sqlite";

interface Total {
  records: number;
  bytes: number;
  isChanged: boolean;
}

/** How many records are in each state and how large they are, kept with each change; the caller holds the transaction. */
export class SubmissionTotals {
  readonly #load: StatementSync;
  readonly #loadLast: StatementSync;
  readonly #save: StatementSync;
  readonly #saveLast: StatementSync;
  #totals: Map<number, Total> | undefined;
  #last = 0;
  #isLastChanged = false;

  /** @throws an error of node:sqlite */
  constructor(database: DatabaseSync) {
    this.#load = database.prepare("SELECT state, submissions, bytes FROM submission_totals");
    this.#load.setReturnArrays(true);
    this.#loadLast = database.prepare("SELECT last_number FROM submission_state");
    this.#save = database.prepare(
      "INSERT INTO submission_totals VALUES (?, ?, ?) ON CONFLICT (state) DO UPDATE " +
        "SET submissions = excluded.submissions, bytes = excluded.bytes",
    );
    this.#saveLast = database.prepare("UPDATE submission_state SET last_number = ?");
  }

  /** Counts records that came (1) or went (-1). */
  count(state: number, records: number, bytes: number): void {
    const totals = this.#loaded();
    let total = totals.get(state);
    if (total === undefined) {
      total = { records: 0, bytes: 0, isChanged: false };
      totals.set(state, total);
    }
    total.records += records;
    total.bytes += bytes;
    total.isChanged = true;
  }

  /** Takes note of a number that was given. */
  give(number: number): void {
    this.#loaded();
    if (number <= this.#last) return;
    this.#last = number;
    this.#isLastChanged = true;
  }

  /** Writes what has changed, before the transaction is committed. */
  save(): void {
    if (this.#totals === undefined) return;
    for (const [state, total] of this.#totals) {
      if (!total.isChanged) continue;
      this.#save.run(state, total.records, total.bytes);
      total.isChanged = false;
    }
    if (this.#isLastChanged) this.#saveLast.run(this.#last);
    this.#isLastChanged = false;
  }

  /** The transaction was rolled back: what the file says counts. */
  forget(): void {
    this.#totals = undefined;
  }

  #loaded(): Map<number, Total> {
    if (this.#totals !== undefined) return this.#totals;
    const rows = this.#load.all() as unknown as [state: number, records: number, bytes: number][];
    this.#last = Number(this.#loadLast.get()?.last_number);
    this.#isLastChanged = false;
    this.#totals = new Map(
      rows.map(([state, records, bytes]) => [state, { records, bytes, isChanged: false }]),
    );
    return this.#totals;
  }
}
