import { lengthDelimitedTag, varintLength, writeVarint } from "./protobuf-wire.ts";

// Field numbers of infobip.events.v1.Event; test/eventlog-stored-event.test.ts compares them with the schema.
const CURSOR_TAG = lengthDelimitedTag(2);
const SEQUENCE_TAG = (3 << 3) | 0;
const RECORD_TIME_TAG = lengthDelimitedTag(5);
const SUPERSEDED_TAG = (17 << 3) | 0;
const RAW_BODY_TAG = (40 << 3) | 2;
const TIMESTAMP_SECONDS_TAG = (1 << 3) | 0;
const TIMESTAMP_NANOS_TAG = (2 << 3) | 0;

/** Most bytes that {@link writeRecordTime} and {@link writeSuperseded} write together. */
export const COMMIT_FIELDS_MAX_BYTES = 23;

/**
 * Writes Event.record_time as one protobuf field and returns the offset after
 * it. Appended to an encoded Event it sets the field, since protobuf messages
 * concatenate.
 */
export function writeRecordTime(target: Uint8Array, offset: number, timeMs: number): number {
  const seconds = Math.floor(timeMs / 1000);
  const nanos = (timeMs - seconds * 1000) * 1_000_000;
  target[offset] = RECORD_TIME_TAG;
  let at = offset + 2;
  target[at++] = TIMESTAMP_SECONDS_TAG;
  at = writeVarint(target, at, seconds);
  if (nanos > 0) {
    target[at++] = TIMESTAMP_NANOS_TAG;
    at = writeVarint(target, at, nanos);
  }
  target[offset + 1] = at - offset - 2;
  return at;
}

/** Writes Event.superseded = true as {@link writeRecordTime} does its field; left out when it is false. */
export function writeSuperseded(target: Uint8Array, offset: number): number {
  const at = writeVarint(target, offset, SUPERSEDED_TAG);
  target[at] = 1;
  return at + 1;
}

/** The bytes a reader gets: the stored Event with cursor, sequence and, where given, raw_body appended. */
export function assembleEvent(
  stored: Uint8Array,
  cursor: string,
  sequence: number,
  raw: Uint8Array | undefined,
): Uint8Array {
  const rawLength = raw === undefined ? 0 : 2 + varintLength(raw.length) + raw.length;
  const length = stored.length + 2 + cursor.length + 1 + varintLength(sequence) + rawLength;
  const event = Buffer.allocUnsafe(length);
  event.set(stored, 0);
  let at = stored.length;
  event[at++] = CURSOR_TAG;
  event[at++] = cursor.length;
  at += event.write(cursor, at, "latin1");
  event[at++] = SEQUENCE_TAG;
  at = writeVarint(event, at, sequence);
  if (raw !== undefined) {
    at = writeVarint(event, at, RAW_BODY_TAG);
    at = writeVarint(event, at, raw.length);
    event.set(raw, at);
  }
  return event;
}
