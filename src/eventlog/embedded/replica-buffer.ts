import type { ReplicaEntry } from "../replica-log.ts";
import { BATCH_HEAD_BYTES, endOfEvent, type PackedEvent, unpackEvent } from "./batch-buffer.ts";

/*
 * Entries cross to the writer thread as one transferable buffer. Little-endian,
 * one after the other:
 *
 *   f64 sequence, f64 record time, u32 length, a packed batch of one event
 */
const SEQUENCE_AT = 0;
const RECORD_TIME_AT = 8;
const LENGTH_AT = 16;
const ENTRY_HEAD_BYTES = 20;

/** An entry of a packed buffer: its event is a view. */
export interface UnpackedEntry {
  readonly sequence: number;
  /** Unix milliseconds. */
  readonly recordTimeMs: number;
  readonly event: PackedEvent;
}

/** Bytes that entries take. */
export function entriesLength(entries: readonly ReplicaEntry[]): number {
  let length = 0;
  for (const { packed } of entries) length += ENTRY_HEAD_BYTES + packed.length;
  return length;
}

/**
 * Packs entries into a buffer of `length` bytes, which {@link entriesLength} gave.
 *
 * @throws RangeError for sequences that do not rise from `after` to at most `through`
 */
export function packEntries(
  entries: readonly ReplicaEntry[],
  length: number,
  after: number,
  through: number,
): ArrayBuffer {
  const target = Buffer.allocUnsafeSlow(length);
  const view = new DataView(target.buffer);
  let at = 0;
  let last = after;
  for (const { sequence, recordTimeMs, packed } of entries) {
    requireAfter(last, sequence);
    if (!Number.isFinite(recordTimeMs)) throw new RangeError("a record time is no number of milliseconds");
    view.setFloat64(at + SEQUENCE_AT, sequence, true);
    view.setFloat64(at + RECORD_TIME_AT, Math.floor(recordTimeMs), true);
    view.setUint32(at + LENGTH_AT, packed.length, true);
    target.set(packed, at + ENTRY_HEAD_BYTES);
    at += ENTRY_HEAD_BYTES + packed.length;
    last = sequence;
  }
  requireAfter(last - 1, through);
  return target.buffer;
}

function requireAfter(position: number, sequence: number): void {
  if (sequence > position && Number.isSafeInteger(sequence)) return;
  throw new RangeError(`sequence ${sequence} does not come after ${position}`);
}

/** Reads packed entries, one by one. @throws RangeError for an event that is longer than its entry */
export function* unpackEntries(batch: Buffer): Generator<UnpackedEntry> {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  let event: PackedEvent | undefined;
  for (let at = 0; at < batch.length; ) {
    const start = at + ENTRY_HEAD_BYTES;
    const end = start + view.getUint32(at + LENGTH_AT, true);
    event = unpackEvent(batch, view, start + BATCH_HEAD_BYTES, event);
    if (endOfEvent(event) > end) throw new RangeError("an entry of the replica is cut off");
    yield {
      sequence: view.getFloat64(at + SEQUENCE_AT, true),
      recordTimeMs: view.getFloat64(at + RECORD_TIME_AT, true),
      event,
    };
    at = end;
  }
}
