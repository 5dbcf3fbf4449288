import { isOneEvent } from "../embedded/batch-buffer.ts";
import type { ReplicaEntry } from "../replica-log.ts";
import { EVENT_HEAD_BYTES, HASH_ID_LENGTH, hashId, PART, PARTED } from "./message-format.ts";

/*
 * An event that is larger than a message may be goes into the stream in parts,
 * each a message of its own, and then as a message that names their sequences.
 * The parts mean nothing by themselves: whoever comes to the event fetches them.
 * After the record time: u16 number of parts, the content's hash as 22 ASCII
 * characters, and for each part its sequence as f64.
 */
const COUNT_BYTES = 2;
const SEQUENCE_BYTES = 8;
const SEQUENCES_AT = COUNT_BYTES + HASH_ID_LENGTH;

/** Most parts of an event. */
export const MAX_PARTS = 1_024;
/** Most bytes of a part. */
export const MAX_PART_BYTES = 512 * 1024;
/** Most bytes of an event in parts. */
export const MAX_EVENT_BYTES = 32 * 1024 * 1024;
/** Share of the largest message that a part takes: as base64 in an answer of the server it must still fit. */
const PART_SHARE = 0.7;

/** An event whose content lies in other messages. */
export class PartedEvent {
  readonly sequence: number;
  readonly recordTimeMs: number;
  /** {@link hashId} of the content. */
  readonly contentId: string;
  /** Sequences of the parts, in order. */
  readonly parts: readonly number[];

  constructor(sequence: number, recordTimeMs: number, contentId: string, parts: readonly number[]) {
    this.sequence = sequence;
    this.recordTimeMs = recordTimeMs;
    this.contentId = contentId;
    this.parts = parts;
  }
}

/** An event's content, cut. */
export interface CutEvent {
  readonly contentId: string;
  /** Payloads of the parts, in order. */
  readonly parts: readonly Uint8Array[];
}

/** Cuts an encoded event for messages of at most so many bytes; undefined when it is too large for that as well. */
export function cutEvent(payload: Buffer, maxMessageBytes: number): CutEvent | undefined {
  const content = payload.subarray(EVENT_HEAD_BYTES);
  const partBytes = Math.min(MAX_PART_BYTES, Math.floor(maxMessageBytes * PART_SHARE));
  if (content.length > MAX_EVENT_BYTES || content.length > partBytes * MAX_PARTS) return undefined;
  const parts: Uint8Array[] = [];
  for (let at = 0; at < content.length; at += partBytes) {
    const piece = content.subarray(at, at + partBytes);
    const part = Buffer.allocUnsafe(1 + piece.length);
    part[0] = PART;
    part.set(piece, 1);
    parts.push(part);
  }
  return { contentId: hashId(content), parts };
}

/** Payload of the message that stands for a cut event; `payload` is that of the whole event. */
export function encodePartedEvent(payload: Buffer, contentId: string, sequences: readonly number[]): Buffer {
  const target = Buffer.alloc(EVENT_HEAD_BYTES + SEQUENCES_AT + sequences.length * SEQUENCE_BYTES);
  payload.copy(target, 0, 0, EVENT_HEAD_BYTES);
  target[0] = PARTED;
  target.writeUInt16LE(sequences.length, EVENT_HEAD_BYTES);
  target.write(contentId, EVENT_HEAD_BYTES + COUNT_BYTES, "latin1");
  const start = EVENT_HEAD_BYTES + SEQUENCES_AT;
  for (const [n, sequence] of sequences.entries()) target.writeDoubleLE(sequence, start + n * SEQUENCE_BYTES);
  return target;
}

/** Reads what follows the record time; undefined when it is not what {@link encodePartedEvent} writes. */
export function parsePartedEvent(
  rest: Buffer,
  sequence: number,
  recordTimeMs: number,
): PartedEvent | undefined {
  if (rest.length < SEQUENCES_AT) return undefined;
  const count = rest.readUInt16LE(0);
  if (count === 0 || count > MAX_PARTS || rest.length !== SEQUENCES_AT + count * SEQUENCE_BYTES)
    return undefined;
  const parts = Array.from({ length: count }, (_, n) => rest.readDoubleLE(SEQUENCES_AT + n * SEQUENCE_BYTES));
  const isBefore = (part: number): boolean => Number.isInteger(part) && part > 0 && part < sequence;
  if (!parts.every(isBefore)) return undefined;
  return new PartedEvent(sequence, recordTimeMs, rest.toString("latin1", COUNT_BYTES, SEQUENCES_AT), parts);
}

/**
 * Puts an event together; undefined when a part is gone or is not what it was. `fetch` gives a message's payload,
 * undefined when there is none, and rejects when that cannot be known now.
 */
export async function assembleParts(
  event: PartedEvent,
  fetch: (sequence: number) => Promise<Buffer | undefined>,
): Promise<ReplicaEntry | undefined> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (const sequence of event.parts) {
    const part = await fetch(sequence);
    bytes += part?.length ?? 0;
    if (part?.[0] !== PART || bytes > MAX_EVENT_BYTES + MAX_PARTS) return undefined;
    pieces.push(part.subarray(1));
  }
  const packed = Buffer.concat(pieces);
  if (hashId(packed) !== event.contentId || !isOneEvent(packed)) return undefined;
  return { sequence: event.sequence, recordTimeMs: event.recordTimeMs, packed };
}
