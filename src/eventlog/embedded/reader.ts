import { DatabaseSync, type StatementSync } from "node:sqlite";
import { CursorEncoder } from "../cursor.ts";
import type { EventColumns, EventRecord, ReadOptions, ReadResult } from "../event-log.ts";
import { assembleEvent } from "../stored-event.ts";

const COLUMNS =
  "sequence, record_time, type, channel, final, message_id, bulk_id, sender, destination, application_id, entity_id, encoded";

type Row = [
  sequence: number,
  recordTimeMs: number,
  type: number,
  channel: number,
  final: number,
  messageId: string,
  bulkId: string,
  sender: string,
  destination: string,
  applicationId: string,
  entityId: string,
  encoded: Uint8Array,
  raw?: Uint8Array,
];

/**
 * Reads the log through its own read-only connection. Everything is
 * synchronous and keeps no transaction open between calls, so checkpoints are
 * never held up.
 */
export class Reader {
  readonly #database: DatabaseSync;
  readonly #cursors: CursorEncoder;
  readonly #read: StatementSync;
  readonly #readRaw: StatementSync;
  readonly #timeAfter: StatementSync;

  /** @throws an error of node:sqlite */
  constructor(file: string, logId: string) {
    this.#database = new DatabaseSync(file, { readOnly: true });
    this.#cursors = new CursorEncoder(logId);
    this.#read = this.#prepareRead(COLUMNS);
    this.#readRaw = this.#prepareRead(`${COLUMNS}, raw`);
    this.#timeAfter = this.#database.prepare(
      "SELECT sequence, record_time FROM events WHERE sequence > ? ORDER BY sequence LIMIT 1",
    );
  }

  /** Reads what is stored after one position and up to another. */
  read(after: number, upTo: number, options: ReadOptions): ReadResult {
    const records: EventRecord[] = [];
    const statement = options.includeRaw ? this.#readRaw : this.#read;
    let examined = 0;
    let examinedTo = after;
    let bytes = 0;
    for (const item of statement.iterate(after, upTo, options.limit)) {
      const row = item as unknown as Row;
      examined++;
      examinedTo = row[0];
      const columns = toColumns(row);
      if (options.matches?.(columns) === false) continue;
      const record = this.#toRecord(row, columns);
      records.push(record);
      bytes += record.encoded.length;
      if (bytes >= options.maxBytes) return { records, examinedTo };
    }
    return { records, examinedTo: examined < options.limit ? upTo : examinedTo };
  }

  /** Sequence and record time of the first event after a position. */
  firstAfter(after: number): { sequence: number; recordTimeMs: number } | undefined {
    const row = this.#timeAfter.get(after);
    return row && { sequence: Number(row.sequence), recordTimeMs: Number(row.record_time) };
  }

  close(): void {
    this.#database.close();
  }

  #prepareRead(columns: string): StatementSync {
    const statement = this.#database.prepare(
      `SELECT ${columns} FROM events WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?`,
    );
    statement.setReturnArrays(true);
    return statement;
  }

  #toRecord(row: Row, columns: EventColumns): EventRecord {
    const [sequence, recordTimeMs] = row;
    const encoded = assembleEvent(row[11], this.#cursors.encode(sequence), sequence, row[12]);
    return { sequence, recordTimeMs, columns, encoded };
  }
}

function toColumns(row: Row): EventColumns {
  return {
    type: row[2],
    channel: row[3],
    final: row[4] === 1,
    messageId: row[5],
    bulkId: row[6],
    sender: row[7],
    destination: row[8],
    applicationId: row[9],
    entityId: row[10],
  };
}
