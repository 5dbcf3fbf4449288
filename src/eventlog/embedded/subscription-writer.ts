import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { SubscriptionChange, SubscriptionCommit } from "./subscription-store.ts";

type Bury = Extract<SubscriptionChange, { kind: "bury" }>;

const EVENT_COLUMNS =
  "sequence, record_time, type, channel, final, rank, occur_time, superseded, " +
  "message_id, bulk_id, sender, destination, application_id, entity_id, encoded, raw";
const ONE = "WHERE subscription_id = ? AND sequence = ?";

/** Applies changes of subscriptions; the caller holds the transaction. */
export class SubscriptionWriter {
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteLetters: StatementSync;
  readonly #bury: StatementSync;
  readonly #buryAgain: StatementSync;
  readonly #redrive: StatementSync;
  readonly #settle: StatementSync;

  constructor(database: DatabaseSync) {
    this.#put = database.prepare(
      "INSERT INTO subscriptions VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
    );
    this.#delete = database.prepare("DELETE FROM subscriptions WHERE id = ?");
    this.#deleteLetters = database.prepare("DELETE FROM dead_letters WHERE subscription_id = ?");
    this.#bury = database.prepare(
      `INSERT INTO dead_letters (subscription_id, attempts, dead_time, failure, redriven, ${EVENT_COLUMNS}) ` +
        `SELECT subscriptions.id, ?, ?, ?, 0, ${EVENT_COLUMNS} FROM subscriptions, events ` +
        "WHERE subscriptions.id = ? AND sequence = ?",
    );
    this.#buryAgain = database.prepare(
      `UPDATE dead_letters SET attempts = ?, dead_time = ?, failure = ?, redriven = 0 ${ONE}`,
    );
    this.#redrive = database.prepare(`UPDATE dead_letters SET redriven = 1 ${ONE}`);
    this.#settle = database.prepare(`DELETE FROM dead_letters ${ONE}`);
  }

  /** Applies the changes in order. */
  apply(changes: readonly SubscriptionChange[]): SubscriptionCommit {
    const missing: number[] = [];
    for (const change of changes) {
      switch (change.kind) {
        case "put":
          this.#put.run(change.id, change.state);
          break;
        case "delete":
          this.#delete.run(change.id);
          this.#deleteLetters.run(change.id);
          break;
        case "bury":
          if (!this.#buries(change)) missing.push(change.sequence);
          break;
        case "redrive":
          for (const sequence of change.sequences) this.#redrive.run(change.id, sequence);
          break;
        default:
          for (const sequence of change.sequences) this.#settle.run(change.id, sequence);
      }
    }
    return { missing };
  }

  #buries({ id, sequence, attempts, deadTimeMs, failure }: Bury): boolean {
    const timeMs = Math.trunc(deadTimeMs);
    if (this.#buryAgain.run(attempts, timeMs, failure, id, sequence).changes === 1) return true;
    return this.#bury.run(attempts, timeMs, failure, id, sequence).changes === 1;
  }
}
