import type { EventColumns, NewEvent } from "../event-log.ts";
import { COMMIT_FIELDS_MAX_BYTES } from "../stored-event.ts";

/*
 * A batch crosses to the writer thread as one transferable buffer, because
 * cloning row objects costs more than SQLite does. Little-endian:
 *
 *   u32 count, then per event: HEADER_BYTES of numbers, six strings in UTF-8,
 *   the encoded event, COMMIT_FIELDS_MAX_BYTES of room, the raw item.
 *
 * A string that equals the one in its place of the event before is not
 * repeated: SAME stands for its length.
 */
const STRINGS = 6;
const HEADER_BYTES = 4 + 4 + 1 + 1 + 8 + 8 + STRINGS * 4 + 4 + 4;
const TYPE_AT = 0;
const CHANNEL_AT = 4;
const FLAGS_AT = 8;
const RANK_AT = 9;
const OCCUR_TIME_AT = 10;
const FINGERPRINT_AT = 18;
const STRING_LENGTHS_AT = 26;
const ENCODED_LENGTH_AT = STRING_LENGTHS_AT + STRINGS * 4;
const RAW_LENGTH_AT = ENCODED_LENGTH_AT + 4;
const SAME = 0xffff_ffff;
const MAX_ASCII = 0x7f;
/** Flags. */
const FINAL = 1;
const SUPERSEDED = 2;
/** Bytes before the first event of a batch: their count. */
export const BATCH_HEAD_BYTES = 4;

/** One event of an unpacked batch: views into the buffer. */
export interface PackedEvent {
  readonly type: number;
  readonly channel: number;
  readonly final: number;
  /** 1: superseded whatever the log holds, see {@link NewEvent.superseded}. */
  readonly superseded: number;
  readonly rank: number;
  /** Unix milliseconds; 0 when it is not known. */
  readonly occurTimeMs: number;
  readonly fingerprint: bigint;
  readonly messageId: string;
  readonly bulkId: string;
  readonly sender: string;
  readonly destination: string;
  readonly applicationId: string;
  readonly entityId: string;
  /** Where the encoded event begins in the batch. */
  readonly encodedAt: number;
  /** Where it ends; COMMIT_FIELDS_MAX_BYTES of free room follow. */
  readonly encodedEnd: number;
  readonly raw: Uint8Array;
}

/** Bytes that a batch takes at most; what the queue limit counts. */
export function packedLength(events: readonly NewEvent[]): number {
  let length = BATCH_HEAD_BYTES;
  for (const event of events) length += packedEventLength(event);
  return length;
}

/** Bytes that one event of a batch takes at most. */
export function packedEventLength({ columns: c, encoded, raw }: NewEvent): number {
  const characters =
    c.messageId.length +
    c.bulkId.length +
    c.sender.length +
    c.destination.length +
    c.applicationId.length +
    c.entityId.length;
  // A UTF-16 unit becomes at most three bytes of UTF-8.
  return HEADER_BYTES + characters * 3 + encoded.length + COMMIT_FIELDS_MAX_BYTES + raw.length;
}

/** Packs a batch into a buffer of `length` bytes, which {@link packedLength} gave. */
export function packBatch(events: readonly NewEvent[], length: number): ArrayBuffer {
  // Not filled with zeros, which would cost as much as the copying: what is not written is not read.
  const target = Buffer.allocUnsafeSlow(length);
  const view = new DataView(target.buffer);
  view.setUint32(0, events.length, true);
  let at = 4;
  let before: EventColumns | undefined;
  for (const event of events) {
    at = packEvent(target, view, at, event, before);
    before = event.columns;
  }
  return target.buffer;
}

/** Packs one event of a batch at an offset, after the event before it; returns where it ends. */
export function packEvent(
  target: Buffer,
  view: DataView,
  start: number,
  event: NewEvent,
  before: EventColumns | undefined,
): number {
  const c = event.columns;
  view.setInt32(start + TYPE_AT, c.type, true);
  view.setInt32(start + CHANNEL_AT, c.channel, true);
  view.setUint8(start + FLAGS_AT, (c.final ? FINAL : 0) | (event.superseded === true ? SUPERSEDED : 0));
  view.setUint8(start + RANK_AT, c.rank);
  view.setFloat64(start + OCCUR_TIME_AT, Math.trunc(c.occurTimeMs), true);
  target.set(event.fingerprint, start + FINGERPRINT_AT);
  const lengthAt = start + STRING_LENGTHS_AT;
  let at = start + HEADER_BYTES;
  at += packString(target, view, lengthAt, at, c.messageId, before?.messageId);
  at += packString(target, view, lengthAt + 4, at, c.bulkId, before?.bulkId);
  at += packString(target, view, lengthAt + 8, at, c.sender, before?.sender);
  at += packString(target, view, lengthAt + 12, at, c.destination, before?.destination);
  at += packString(target, view, lengthAt + 16, at, c.applicationId, before?.applicationId);
  at += packString(target, view, lengthAt + 20, at, c.entityId, before?.entityId);
  view.setUint32(start + ENCODED_LENGTH_AT, event.encoded.length, true);
  target.set(event.encoded, at);
  at += event.encoded.length + COMMIT_FIELDS_MAX_BYTES;
  view.setUint32(start + RAW_LENGTH_AT, event.raw.length, true);
  target.set(event.raw, at);
  return at + event.raw.length;
}

/** Writes a string and its length; returns the bytes of the string. */
function packString(
  target: Buffer,
  view: DataView,
  lengthAt: number,
  at: number,
  text: string,
  before: string | undefined,
): number {
  const isSame = text === before;
  const written = isSame || text === "" ? 0 : target.write(text, at);
  view.setUint32(lengthAt, isSame ? SAME : written, true);
  return written;
}

/** Whether bytes that somebody else has written are a batch of exactly one event, by all lengths in it. */
export function isOneEvent(batch: Buffer): boolean {
  if (batch.length < BATCH_HEAD_BYTES + HEADER_BYTES || batch.readUInt32LE(0) !== 1) return false;
  const start = BATCH_HEAD_BYTES;
  let length = BATCH_HEAD_BYTES + HEADER_BYTES + COMMIT_FIELDS_MAX_BYTES;
  // A string cannot be the same as one before it here: SAME makes the sum far too large.
  for (let n = 0; n < STRINGS; n++) length += batch.readUInt32LE(start + STRING_LENGTHS_AT + n * 4);
  length += batch.readUInt32LE(start + ENCODED_LENGTH_AT) + batch.readUInt32LE(start + RAW_LENGTH_AT);
  return length === batch.length && Number.isSafeInteger(batch.readDoubleLE(start + OCCUR_TIME_AT));
}

/** Reads a packed batch, event by event. */
export function* unpackBatch(batch: Buffer): Generator<PackedEvent> {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  const count = view.getUint32(0, true);
  let at = 4;
  let event: PackedEvent | undefined;
  for (let n = 0; n < count; n++) {
    event = unpackEvent(batch, view, at, event);
    at = endOfEvent(event);
    yield event;
  }
}

/** Reads the event of a packed batch that begins at an offset; `view` is over the bytes of the batch. */
export function unpackEvent(
  batch: Buffer,
  view: DataView,
  start: number,
  before: PackedEvent | undefined,
): PackedEvent {
  const lengthAt = start + STRING_LENGTHS_AT;
  const bulkIdAt = endOfString(view, lengthAt, start + HEADER_BYTES);
  const senderAt = endOfString(view, lengthAt + 4, bulkIdAt);
  const destinationAt = endOfString(view, lengthAt + 8, senderAt);
  const applicationIdAt = endOfString(view, lengthAt + 12, destinationAt);
  const entityIdAt = endOfString(view, lengthAt + 16, applicationIdAt);
  const encodedAt = endOfString(view, lengthAt + 20, entityIdAt);
  const encodedEnd = encodedAt + view.getUint32(start + ENCODED_LENGTH_AT, true);
  const rawAt = encodedEnd + COMMIT_FIELDS_MAX_BYTES;
  return {
    type: view.getInt32(start + TYPE_AT, true),
    channel: view.getInt32(start + CHANNEL_AT, true),
    final: view.getUint8(start + FLAGS_AT) & FINAL,
    superseded: (view.getUint8(start + FLAGS_AT) & SUPERSEDED) >> 1,
    rank: view.getUint8(start + RANK_AT),
    occurTimeMs: view.getFloat64(start + OCCUR_TIME_AT, true),
    fingerprint: view.getBigInt64(start + FINGERPRINT_AT, true),
    messageId: unpackString(batch, view, lengthAt, start + HEADER_BYTES, before?.messageId),
    bulkId: unpackString(batch, view, lengthAt + 4, bulkIdAt, before?.bulkId),
    sender: unpackString(batch, view, lengthAt + 8, senderAt, before?.sender),
    destination: unpackString(batch, view, lengthAt + 12, destinationAt, before?.destination),
    applicationId: unpackString(batch, view, lengthAt + 16, applicationIdAt, before?.applicationId),
    entityId: unpackString(batch, view, lengthAt + 20, entityIdAt, before?.entityId),
    encodedAt,
    encodedEnd,
    raw: batch.subarray(rawAt, rawAt + view.getUint32(start + RAW_LENGTH_AT, true)),
  };
}

/** Where an event that was read ends. */
export function endOfEvent({ encodedEnd, raw }: PackedEvent): number {
  return encodedEnd + COMMIT_FIELDS_MAX_BYTES + raw.length;
}

function endOfString(view: DataView, lengthAt: number, at: number): number {
  const length = view.getUint32(lengthAt, true);
  return length === SAME ? at : at + length;
}

function unpackString(
  batch: Buffer,
  view: DataView,
  lengthAt: number,
  at: number,
  before: string | undefined,
): string {
  const length = view.getUint32(lengthAt, true);
  if (length === SAME) return before ?? "";
  // A string costs more to make than to compare; events that follow each other have much in common.
  if (before?.length === length && isAscii(before, batch, at)) return before;
  return length === 0 ? "" : batch.toString("utf8", at, at + length);
}

/** Whether bytes at an offset are those of a text, which is ASCII; compared from the end, where ids differ. */
function isAscii(text: string, batch: Buffer, at: number): boolean {
  for (let n = text.length - 1; n >= 0; n--) {
    const unit = text.charCodeAt(n);
    if (unit !== batch[at + n] || unit > MAX_ASCII) return false;
  }
  return true;
}
