import type { DatabaseSync, StatementSync } from "node:sqlite";
import { FieldReader } from "../packed-fields.ts";
import { type PackedSubmission, unpackRecord, unpackRemoved } from "./submission-buffer.ts";
import { SubmissionTotals } from "./submission-totals.ts";

type StoredRow = [state: number, bytes: number];

/** Applies changes of submissions; the caller holds the transaction. */
export class SubmissionWriter {
  readonly #totals: SubmissionTotals;
  readonly #stored: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;

  /** @throws an error of node:sqlite */
  constructor(database: DatabaseSync) {
    this.#totals = new SubmissionTotals(database);
    this.#stored = database.prepare("SELECT state, bytes FROM submissions WHERE number = ?");
    this.#stored.setReturnArrays(true);
    this.#insert = database.prepare(
      "INSERT INTO submissions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#update = database.prepare(
      "UPDATE submissions SET state = ?, bytes = ?, policy = ?, create_time = ?, update_time = ?, " +
        "send_after = ?, expire_after = ?, due_time = ?, attempts = ?, destinations = ?, payload_hash = ?, " +
        "outcome = ?, outcome_rest = ?, request = ? WHERE number = ?",
    );
    this.#delete = database.prepare("DELETE FROM submissions WHERE number = ?");
  }

  /** Applies a packed commit: what it removes first. */
  apply(changes: ArrayBuffer): void {
    const reader = new FieldReader(changes);
    for (const number of unpackRemoved(reader)) this.#remove(number);
    const records = reader.number();
    for (let n = 0; n < records; n++) this.#put(unpackRecord(reader));
  }

  /** To be called before the transaction is committed. */
  save(): void {
    this.#totals.save();
  }

  /** To be called after a transaction was rolled back. */
  forget(): void {
    this.#totals.forget();
  }

  #remove(number: number): void {
    const stored = this.#stored.get(number) as StoredRow | undefined;
    if (stored === undefined) return;
    this.#delete.run(number);
    this.#totals.count(stored[0], -1, -stored[1]);
  }

  #put(record: PackedSubmission): void {
    const stored = this.#stored.get(record.number) as StoredRow | undefined;
    if (stored === undefined) this.#insertRow(record);
    else this.#updateRow(record);
    if (stored !== undefined) this.#totals.count(stored[0], -1, -stored[1]);
    this.#totals.count(record.state, 1, record.bytes);
    this.#totals.give(record.number);
  }

  #insertRow(record: PackedSubmission): void {
    this.#insert.run(
      record.number,
      record.state,
      record.bytes,
      record.policy,
      record.createTimeMs,
      record.updateTimeMs,
      record.sendAfterMs,
      record.expireAfterMs,
      record.dueTimeMs,
      record.attempts,
      record.destinations,
      record.id,
      record.payloadHash,
      record.outcome,
      record.outcomeRest,
      record.request,
    );
  }

  /** Everything but the id, which stays: setting it would touch its index. */
  #updateRow(record: PackedSubmission): void {
    this.#update.run(
      record.state,
      record.bytes,
      record.policy,
      record.createTimeMs,
      record.updateTimeMs,
      record.sendAfterMs,
      record.expireAfterMs,
      record.dueTimeMs,
      record.attempts,
      record.destinations,
      record.payloadHash,
      record.outcome,
      record.outcomeRest,
      record.request,
      record.number,
    );
  }
}
