import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { CursorEncoder } from "../cursor.ts";
import type { ReadOptions, ReadResult } from "../event-log.ts";
import { collectRows, EVENT_ROW_COLUMNS, readWith } from "./event-rows.ts";

/**
 * Reads the log through a read-only connection. Everything is synchronous and
 * keeps no transaction open between calls, so checkpoints are never held up.
 */
export class Reader {
  readonly #cursors: CursorEncoder;
  readonly #read: StatementSync;
  readonly #readRaw: StatementSync;
  readonly #timeAfter: StatementSync;
  readonly #size: StatementSync;

  /** @throws an error of node:sqlite */
  constructor(database: DatabaseSync, cursors: CursorEncoder) {
    this.#cursors = cursors;
    this.#read = prepareRead(database, EVENT_ROW_COLUMNS);
    this.#readRaw = prepareRead(database, `${EVENT_ROW_COLUMNS}, raw`);
    this.#timeAfter = database.prepare(
      "SELECT sequence, record_time FROM events WHERE sequence > ? ORDER BY sequence LIMIT 1",
    );
    this.#size = database.prepare(
      "SELECT (page_count - freelist_count) * page_size AS bytes " +
        "FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
    );
  }

  /** Reads what is stored after one position and up to another. */
  read(after: number, upTo: number, options: ReadOptions): ReadResult {
    const statement = options.includeRaw ? this.#readRaw : this.#read;
    return readWith(statement, () =>
      collectRows(statement.iterate(after, upTo, options.limit), upTo, options, this.#cursors),
    );
  }

  /** Sequence and record time of the first event after a position. */
  firstAfter(after: number): { sequence: number; recordTimeMs: number } | undefined {
    const row = this.#timeAfter.get(after);
    return row && { sequence: Number(row.sequence), recordTimeMs: Number(row.record_time) };
  }

  /**
   * Position before the first event between two positions that was stored at a
   * time (Unix milliseconds) or later; one after the last event when there is none.
   */
  positionAt(timeMs: number, earliest: number, head: number): number {
    // Record times never fall, so the sequences can be halved; an index would cost every append.
    let low = earliest;
    let high = head;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const first = this.firstAfter(middle);
      if (first === undefined || first.sequence > high || first.recordTimeMs >= timeMs) high = middle;
      else low = first.sequence;
    }
    return low;
  }

  /** Bytes of the file that hold something, as of the last commit. */
  usedBytes(): number {
    return Number(this.#size.get()?.bytes);
  }
}

function prepareRead(database: DatabaseSync, columns: string): StatementSync {
  const statement = database.prepare(
    `SELECT ${columns} FROM events WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?`,
  );
  statement.setReturnArrays(true);
  return statement;
}
