import type { StatementSync } from "node:sqlite";
import type { CursorEncoder } from "../cursor.ts";
import type { EventColumns, EventRecord, ReadOptions, ReadResult } from "../event-log.ts";
import { assembleEvent } from "../stored-event.ts";

/** Columns of an {@link EventRow}; `raw` may follow. Both events and dead letters have them. */
export const EVENT_ROW_COLUMNS =
  "sequence, record_time, type, channel, final, rank, occur_time, superseded, " +
  "message_id, bulk_id, sender, destination, application_id, entity_id, encoded";

/** A row as a statement that returns arrays gives it. */
export type EventRow = [
  sequence: number,
  recordTimeMs: number,
  type: number,
  channel: number,
  final: number,
  rank: number,
  occurTimeMs: number,
  superseded: number,
  messageId: string,
  bulkId: string,
  sender: string,
  destination: string,
  applicationId: string,
  entityId: string,
  encoded: Uint8Array,
  raw?: Uint8Array,
];

/** The columns of the event in a row. */
export function columnsOfRow(row: EventRow): EventColumns {
  return {
    type: row[2],
    channel: row[3],
    messageId: row[8],
    bulkId: row[9],
    sender: row[10],
    destination: row[11],
    applicationId: row[12],
    entityId: row[13],
    final: row[4] === 1,
    rank: row[5],
    occurTimeMs: row[6],
  };
}

/** The record of the event in a row. */
export function recordOfRow(row: EventRow, columns: EventColumns, cursors: CursorEncoder): EventRecord {
  const [sequence, recordTimeMs] = row;
  return {
    sequence,
    recordTimeMs,
    columns,
    superseded: row[7] === 1,
    encoded: assembleEvent(row[14], cursors.encode(sequence), sequence, row[15]),
  };
}

/** Reads rows within the bounds of a read; the rows are all there are up to `upTo`, or as many as the limit. */
export function collectRows(
  rows: Iterable<unknown>,
  upTo: number,
  options: ReadOptions,
  cursors: CursorEncoder,
): ReadResult {
  const records: EventRecord[] = [];
  let examined = 0;
  let bytes = 0;
  for (const item of rows) {
    const row = item as EventRow;
    const columns = columnsOfRow(row);
    if (options.matches?.(columns) !== false) {
      const record = recordOfRow(row, columns, cursors);
      records.push(record);
      bytes += record.encoded.length;
    }
    if (++examined === options.limit || bytes >= options.maxBytes) return { records, examinedTo: row[0] };
  }
  return { records, examinedTo: upTo };
}

/**
 * Reads with a statement that is iterated. One that failed while it was
 * iterated tells its error once more when it is used next, so that happens
 * here and not to the next read.
 */
export function readWith<T>(statement: StatementSync, read: () => T): T {
  try {
    return read();
  } catch (error) {
    try {
      statement.get();
    } catch {
      // The same error, or none; the first one counts.
    }
    throw error;
  }
}
