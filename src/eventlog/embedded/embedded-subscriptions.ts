import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { CursorEncoder } from "../cursor.ts";
import { type DeadLetterRecord, MAX_DEAD_LETTERS } from "../subscription-engine.ts";
import { columnsOfRow, EVENT_ROW_COLUMNS, type EventRow, readWith, recordOfRow } from "./event-rows.ts";
import type { ReadGuard } from "./read-guard.ts";
import type {
  StoredSubscription,
  SubscriptionChange,
  SubscriptionCommit,
  SubscriptionStore,
} from "./subscription-store.ts";

type LetterRow = [
  attempts: number,
  deadTimeMs: number,
  failure: DeadLetterRecord["lastFailure"],
  redriven: number,
  ...event: EventRow,
];
const LETTER_COLUMNS = 4;

const LETTERS = `attempts, dead_time, failure, redriven, ${EVENT_ROW_COLUMNS}`;
const AFTER = "FROM dead_letters WHERE subscription_id = ? AND sequence > ? ORDER BY sequence LIMIT ?";

/** What {@link EmbeddedSubscriptions} works with. */
export interface EmbeddedSubscriptionsParts {
  /** The reading connection. */
  readonly database: DatabaseSync;
  readonly cursors: CursorEncoder;
  readonly guard: ReadGuard;
  readonly commit: (changes: readonly SubscriptionChange[]) => Promise<SubscriptionCommit>;
}

/** See {@link SubscriptionStore}. */
export class EmbeddedSubscriptions implements SubscriptionStore {
  readonly #parts: EmbeddedSubscriptionsParts;
  readonly #letters: StatementSync;
  readonly #lettersWithRaw: StatementSync;
  readonly #all: StatementSync;
  readonly #among: StatementSync;

  /** @throws an error of node:sqlite */
  constructor(parts: EmbeddedSubscriptionsParts) {
    this.#parts = parts;
    const prepare = (sql: string): StatementSync => {
      const statement = parts.database.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    this.#letters = prepare(`SELECT ${LETTERS} ${AFTER}`);
    this.#lettersWithRaw = prepare(`SELECT ${LETTERS}, raw ${AFTER}`);
    this.#all = prepare(
      `SELECT sequence FROM dead_letters WHERE subscription_id = ? ORDER BY sequence LIMIT ${MAX_DEAD_LETTERS}`,
    );
    this.#among = prepare(
      "SELECT sequence FROM dead_letters WHERE subscription_id = ? " +
        "AND sequence IN (SELECT value FROM json_each(?)) ORDER BY sequence",
    );
  }

  load(): readonly StoredSubscription[] {
    const { database, guard } = this.#parts;
    return guard.run(() => {
      const count = database.prepare("SELECT count(*) AS n FROM dead_letters WHERE subscription_id = ?");
      const redriven = database.prepare(
        "SELECT sequence FROM dead_letters INDEXED BY dead_letters_redriven " +
          "WHERE redriven = 1 AND subscription_id = ? ORDER BY sequence",
      );
      redriven.setReturnArrays(true);
      const rows = database.prepare("SELECT id, state FROM subscriptions ORDER BY id").all();
      return rows.map((row) => {
        const id = String(row.id);
        return {
          id,
          state: row.state as Uint8Array,
          deadLetters: Number(count.get(id)?.n),
          redriven: sequencesOf(redriven.all(id)),
        };
      });
    });
  }

  commit(changes: readonly SubscriptionChange[]): Promise<SubscriptionCommit> {
    return changes.length === 0 ? Promise.resolve({ missing: [] }) : this.#parts.commit(changes);
  }

  async deadLetters(
    id: string,
    after: number,
    options: { readonly limit: number; readonly maxBytes: number; readonly includeRaw: boolean },
  ): Promise<readonly DeadLetterRecord[]> {
    const statement = options.includeRaw ? this.#lettersWithRaw : this.#letters;
    return this.#parts.guard.run(() =>
      readWith(statement, () => {
        const letters: DeadLetterRecord[] = [];
        let bytes = 0;
        for (const item of statement.iterate(id, after, options.limit)) {
          const letter = this.#toLetter(item as unknown as LetterRow);
          letters.push(letter);
          bytes += letter.record.encoded.length;
          if (bytes >= options.maxBytes) break;
        }
        return letters;
      }),
    );
  }

  async deadLetterSequences(id: string, among: readonly number[] | undefined): Promise<readonly number[]> {
    return this.#parts.guard.run(() =>
      sequencesOf(among === undefined ? this.#all.all(id) : this.#among.all(id, JSON.stringify(among))),
    );
  }

  #toLetter(row: LetterRow): DeadLetterRecord {
    const [attempts, deadTimeMs, lastFailure, redriven] = row;
    const event = row.slice(LETTER_COLUMNS) as EventRow;
    const record = recordOfRow(event, columnsOfRow(event), this.#parts.cursors);
    return { record, attempts, deadTimeMs, lastFailure, redriven: redriven === 1 };
  }
}

function sequencesOf(rows: readonly unknown[]): number[] {
  return (rows as readonly [number][]).map(([sequence]) => sequence);
}
