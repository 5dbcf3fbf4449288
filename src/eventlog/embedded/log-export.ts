import { CursorEncoder } from "../cursor.ts";
import type { EventColumns, EventRecord, ReadOptions, ReadResult } from "../event-log.ts";
import { MessageReader } from "./message-reader.ts";
import type { ReadOnlyLog } from "./read-only-log.ts";
import { Reader } from "./reader.ts";

/** Events examined in one read. */
const EVENTS_PER_READ = 500;
/** Bytes after which a read stops, however few events they are. */
const BYTES_PER_READ = 4 * 1024 * 1024;

/** Which events of a log to read. */
export interface ExportRange {
  /** Position to begin after. */
  readonly after: number;
  /** Position to end with. */
  readonly upTo: number;
  /** Only this message's events, found without looking at any other. */
  readonly messageId?: string | undefined;
  readonly matches?: ((columns: EventColumns) => boolean) | undefined;
  readonly includeRaw: boolean;
}

/** Some events of a range, in order. */
export interface ExportPage {
  readonly records: readonly EventRecord[];
  /** Retention has removed events of the range before they were read. */
  readonly hasGap: boolean;
}

/**
 * Reads the events of a range page by page, in memory that does not grow with
 * it. Retention may remove events meanwhile; a page tells.
 *
 * @throws an error of node:sqlite
 */
export function* exportPages(file: ReadOnlyLog, range: ExportRange): Generator<ExportPage> {
  const read = pageReader(file, range);
  for (let position = range.after; position < range.upTo; ) {
    const { records, examinedTo } = read(position);
    // Looked at after the read: what it has found by then is whole.
    const hasGap = file.state().earliest > position;
    yield { records, hasGap };
    position = examinedTo;
  }
}

/** Position before the first event that was stored at a time or later. @throws an error of node:sqlite */
export function positionAt(file: ReadOnlyLog, timeMs: number): number {
  const { logId, earliest, head } = file.state();
  return new Reader(file.database, new CursorEncoder(logId)).positionAt(timeMs, earliest, head);
}

function pageReader(file: ReadOnlyLog, range: ExportRange): (after: number) => ReadResult {
  const { upTo, messageId, matches, includeRaw } = range;
  const cursors = new CursorEncoder(file.state().logId);
  const options: ReadOptions = {
    limit: EVENTS_PER_READ,
    maxBytes: BYTES_PER_READ,
    includeRaw,
    ...(matches && { matches }),
  };
  if (messageId === undefined) {
    const reader = new Reader(file.database, cursors);
    return (after) => reader.read(after, upTo, options);
  }
  const reader = new MessageReader(file.database, cursors);
  return (after) => reader.read(messageId, after, upTo, options);
}
