import type { NewEvent } from "../event-log.ts";
import { RECORD_TIME_MAX_BYTES } from "../stored-event.ts";

/*
 * A batch crosses to the writer thread as one transferable buffer, because
 * cloning row objects costs more than SQLite does. Little-endian:
 *
 *   u32 count, then per event: HEADER_BYTES of numbers, six strings in UTF-8,
 *   the encoded event, RECORD_TIME_MAX_BYTES of room, the raw item.
 */
const STRINGS = 6;
const HEADER_BYTES = 4 + 4 + 1 + 8 + STRINGS * 4 + 4 + 4;
const TYPE_AT = 0;
const CHANNEL_AT = 4;
const FINAL_AT = 8;
const FINGERPRINT_AT = 9;
const STRING_LENGTHS_AT = 17;
const ENCODED_LENGTH_AT = STRING_LENGTHS_AT + STRINGS * 4;
const RAW_LENGTH_AT = ENCODED_LENGTH_AT + 4;

/** One event of an unpacked batch: views into the buffer. */
export interface PackedEvent {
  readonly type: number;
  readonly channel: number;
  readonly final: number;
  readonly fingerprint: bigint;
  readonly messageId: string;
  readonly bulkId: string;
  readonly sender: string;
  readonly destination: string;
  readonly applicationId: string;
  readonly entityId: string;
  /** Where the encoded event begins in the batch. */
  readonly encodedAt: number;
  /** Where it ends; RECORD_TIME_MAX_BYTES of free room follow. */
  readonly encodedEnd: number;
  readonly raw: Uint8Array;
}

/** Bytes that a batch takes at most; what the queue limit counts. */
export function packedLength(events: readonly NewEvent[]): number {
  let length = 4;
  for (const { columns: c, encoded, raw } of events) {
    const characters =
      c.messageId.length +
      c.bulkId.length +
      c.sender.length +
      c.destination.length +
      c.applicationId.length +
      c.entityId.length;
    // A UTF-16 unit becomes at most three bytes of UTF-8.
    length += HEADER_BYTES + characters * 3 + encoded.length + RECORD_TIME_MAX_BYTES + raw.length;
  }
  return length;
}

/** Packs a batch into a buffer of `length` bytes, which {@link packedLength} gave. */
export function packBatch(events: readonly NewEvent[], length: number): ArrayBuffer {
  const storage = new ArrayBuffer(length);
  const target = Buffer.from(storage);
  target.writeUInt32LE(events.length, 0);
  let at = 4;
  for (const event of events) at = packEvent(target, at, event);
  return storage;
}

function packEvent(target: Buffer, start: number, event: NewEvent): number {
  const c = event.columns;
  target.writeInt32LE(c.type, start + TYPE_AT);
  target.writeInt32LE(c.channel, start + CHANNEL_AT);
  target[start + FINAL_AT] = c.final ? 1 : 0;
  target.set(event.fingerprint, start + FINGERPRINT_AT);
  let at = start + HEADER_BYTES;
  const strings = [c.messageId, c.bulkId, c.sender, c.destination, c.applicationId, c.entityId];
  for (let i = 0; i < STRINGS; i++) {
    const written = target.write(strings[i] ?? "", at);
    target.writeUInt32LE(written, start + STRING_LENGTHS_AT + i * 4);
    at += written;
  }
  target.writeUInt32LE(event.encoded.length, start + ENCODED_LENGTH_AT);
  target.set(event.encoded, at);
  at += event.encoded.length + RECORD_TIME_MAX_BYTES;
  target.writeUInt32LE(event.raw.length, start + RAW_LENGTH_AT);
  target.set(event.raw, at);
  return at + event.raw.length;
}

/** Reads a packed batch, event by event. */
export function* unpackBatch(batch: Buffer): Generator<PackedEvent> {
  const count = batch.readUInt32LE(0);
  let at = 4;
  for (let n = 0; n < count; n++) {
    const start = at;
    at += HEADER_BYTES;
    const next = (index: number): string => {
      const from = at;
      at += batch.readUInt32LE(start + STRING_LENGTHS_AT + index * 4);
      return batch.toString("utf8", from, at);
    };
    const strings = { messageId: next(0), bulkId: next(1), sender: next(2) };
    const more = { destination: next(3), applicationId: next(4), entityId: next(5) };
    const encodedAt = at;
    const encodedEnd = at + batch.readUInt32LE(start + ENCODED_LENGTH_AT);
    at = encodedEnd + RECORD_TIME_MAX_BYTES + batch.readUInt32LE(start + RAW_LENGTH_AT);
    yield {
      type: batch.readInt32LE(start + TYPE_AT),
      channel: batch.readInt32LE(start + CHANNEL_AT),
      final: batch[start + FINAL_AT] ?? 0,
      fingerprint: batch.readBigInt64LE(start + FINGERPRINT_AT),
      ...strings,
      ...more,
      encodedAt,
      encodedEnd,
      raw: batch.subarray(encodedEnd + RECORD_TIME_MAX_BYTES, at),
    };
  }
}
