import { COMMIT_FIELDS_MAX_BYTES, writeRecordTime, writeSuperseded } from "../stored-event.ts";

const expected = Buffer.alloc(COMMIT_FIELDS_MAX_BYTES);

/**
 * The bytes of an event as they came to the log: without the record time and
 * the mark that the log has put behind them. Undefined when the stored bytes
 * do not end with those.
 */
export function withoutCommitFields(
  stored: Uint8Array,
  recordTimeMs: number,
  superseded: boolean,
): Uint8Array | undefined {
  let length = writeRecordTime(expected, 0, recordTimeMs);
  if (superseded) length = writeSuperseded(expected, length);
  const end = stored.length - length;
  if (end < 0 || expected.compare(stored, end, stored.length, 0, length) !== 0) return undefined;
  return stored.subarray(0, end);
}
