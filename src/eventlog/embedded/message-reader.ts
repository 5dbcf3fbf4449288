import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { CursorEncoder } from "../cursor.ts";
import type { EventRecord, ReadOptions, ReadResult } from "../event-log.ts";
import {
  collectRows,
  columnsOfRow,
  EVENT_ROW_COLUMNS,
  type EventRow,
  readWith,
  recordOfRow,
} from "./event-rows.ts";
import { CROWD } from "./tables.ts";

const ROW = `SELECT ${EVENT_ROW_COLUMNS}`;
const ROW_WITH_RAW = `${ROW}, raw`;
const BY_SEQUENCE = "FROM events WHERE sequence = ?";
const IN_CROWD =
  "FROM events INDEXED BY events_of_crowded " +
  "WHERE crowded = 1 AND message_id = ? AND sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?";
const LAST_STATUS_IN_CROWD =
  "FROM events INDEXED BY statuses_of_crowded WHERE crowded = 1 AND rank > 0 AND superseded = 0 " +
  "AND message_id = ? AND sequence > ? AND sequence <= ? ORDER BY sequence DESC LIMIT 1";

/**
 * Reads the events of one message. It looks at no more than CROWD entries of
 * the index that keeps events apart; a message with more events has them in
 * indexes of their own, in order, see tables.ts.
 */
export class MessageReader {
  readonly #cursors: CursorEncoder;
  readonly #few: StatementSync;
  readonly #fewStatuses: StatementSync;
  readonly #row: StatementSync;
  readonly #rowWithRaw: StatementSync;
  readonly #crowd: StatementSync;
  readonly #crowdWithRaw: StatementSync;
  readonly #lastStatus: StatementSync;

  /** @throws an error of node:sqlite */
  constructor(database: DatabaseSync, cursors: CursorEncoder) {
    this.#cursors = cursors;
    const prepare = (sql: string): StatementSync => {
      const statement = database.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    const few = "SELECT sequence FROM events INDEXED BY events_identity WHERE message_id = ?";
    this.#few = prepare(`${few} LIMIT ${CROWD + 1}`);
    this.#fewStatuses = prepare(`${few} AND rank > 0 LIMIT ${CROWD + 1}`);
    this.#row = prepare(`${ROW} ${BY_SEQUENCE}`);
    this.#rowWithRaw = prepare(`${ROW_WITH_RAW} ${BY_SEQUENCE}`);
    this.#crowd = prepare(`${ROW} ${IN_CROWD}`);
    this.#crowdWithRaw = prepare(`${ROW_WITH_RAW} ${IN_CROWD}`);
    this.#lastStatus = prepare(`${ROW} ${LAST_STATUS_IN_CROWD}`);
  }

  /** Reads a message's events after one position and up to another. */
  read(messageId: string, after: number, upTo: number, options: ReadOptions): ReadResult {
    const sequences = sequencesIn(this.#few.all(messageId), after, upTo);
    if (sequences === undefined) {
      const statement = options.includeRaw ? this.#crowdWithRaw : this.#crowd;
      return readWith(statement, () =>
        collectRows(statement.iterate(messageId, after, upTo, options.limit), upTo, options, this.#cursors),
      );
    }
    const rows = rowsOf(sequences, options.includeRaw ? this.#rowWithRaw : this.#row);
    return collectRows(rows, upTo, options, this.#cursors);
  }

  /** A message's last status that is not superseded, of those after one position and up to another. */
  lastStatus(messageId: string, after: number, upTo: number): EventRecord | undefined {
    const sequences = sequencesIn(this.#fewStatuses.all(messageId), after, upTo);
    const row =
      sequences === undefined
        ? (this.#lastStatus.get(messageId, after, upTo) as EventRow | undefined)
        : this.#lastOf(sequences);
    return row && recordOfRow(row, columnsOfRow(row), this.#cursors);
  }

  #lastOf(sequences: readonly number[]): EventRow | undefined {
    for (let i = sequences.length - 1; i >= 0; i--) {
      const row = this.#row.get(sequences[i] ?? 0) as EventRow | undefined;
      if (row?.[7] === 0) return row;
    }
    return undefined;
  }
}

/** Those of the sequences that lie after one position and up to another, in order; undefined for a crowd. */
function sequencesIn(rows: readonly unknown[], after: number, upTo: number): number[] | undefined {
  if (rows.length > CROWD) return undefined;
  const sequences: number[] = [];
  for (const [sequence] of rows as readonly [number][])
    if (sequence > after && sequence <= upTo) sequences.push(sequence);
  return sequences.sort((a, b) => a - b);
}

function* rowsOf(sequences: readonly number[], statement: StatementSync): Generator<unknown> {
  for (const sequence of sequences) {
    const row = statement.get(sequence);
    if (row !== undefined) yield row;
  }
}
