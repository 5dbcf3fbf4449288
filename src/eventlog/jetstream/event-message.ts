import { BATCH_HEAD_BYTES, isOneEvent, packEvent, packedEventLength } from "../embedded/batch-buffer.ts";
import type { NewEvent } from "../event-log.ts";
import type { ReplicaEntry } from "../replica-log.ts";
import { COMMIT_FIELDS_MAX_BYTES } from "../stored-event.ts";
import { EVENT, EVENT_HEAD_BYTES, hashId, NOTHING, PART, PARTED } from "./message-format.ts";
import { type PartedEvent, parsePartedEvent } from "./parted-event.ts";
import type { StreamMessage } from "./stream-message.ts";

/** Message without an event, by which the stream shows that it takes messages. */
export const NOTHING_PAYLOAD: Uint8Array = Uint8Array.of(NOTHING);

/** An event as the stream takes it. */
export interface EncodedEvent {
  /** The same for every repeat of the event, so that the stream refuses those: Nats-Msg-Id. */
  readonly id: string;
  readonly payload: Buffer;
}

/** What a message is that holds no event that could be read. */
export type NoEvent = "nothing" | "damaged";

/** Encodes events into one buffer. `recordTimesMs`: one for each event; without them the server's time counts. */
export function encodeEvents(events: readonly NewEvent[], recordTimesMs?: readonly number[]): EncodedEvent[] {
  let length = 0;
  for (const event of events) length += EVENT_HEAD_BYTES + BATCH_HEAD_BYTES + packedEventLength(event);
  const target = Buffer.allocUnsafeSlow(length);
  const view = new DataView(target.buffer);
  const encoded: EncodedEvent[] = [];
  let start = 0;
  for (const [n, event] of events.entries()) {
    target[start] = EVENT;
    view.setFloat64(start + 1, recordTimesMs?.[n] ?? 0, true);
    view.setUint32(start + EVENT_HEAD_BYTES, 1, true);
    const end = packEvent(target, view, start + EVENT_HEAD_BYTES + BATCH_HEAD_BYTES, event, undefined);
    // The room for the fields of the commit holds what was in memory before, which must not leave the process.
    const roomEnd = end - event.raw.length;
    target.fill(0, roomEnd - COMMIT_FIELDS_MAX_BYTES, roomEnd);
    encoded.push({ id: eventId(event), payload: target.subarray(start, end) });
    start = end;
  }
  return encoded;
}

function eventId({ fingerprint, columns }: NewEvent): string {
  const { buffer, byteOffset, length } = fingerprint;
  return hashId(Buffer.from(buffer, byteOffset, length).toString("latin1") + columns.messageId);
}

/** Reads a message. What others have put into the stream is `damaged`, unless it happens to look like an event. */
export function decodeMessage(message: StreamMessage): ReplicaEntry | PartedEvent | NoEvent {
  const { payload, sequence } = message;
  const format = payload[0];
  if (format === NOTHING || format === PART) return "nothing";
  if ((format !== EVENT && format !== PARTED) || payload.length < EVENT_HEAD_BYTES) return "damaged";
  const givenMs = payload.readDoubleLE(1);
  if (!isTime(givenMs)) return "damaged";
  const recordTimeMs = givenMs === 0 ? message.timeMs : givenMs;
  const rest = payload.subarray(EVENT_HEAD_BYTES);
  if (format === PARTED) return parsePartedEvent(rest, sequence, recordTimeMs) ?? "damaged";
  return isOneEvent(rest) ? { sequence, recordTimeMs, packed: rest } : "damaged";
}

/** Latest time that a Date can hold, in Unix milliseconds. */
const MAX_TIME_MS = 8.64e15;

function isTime(timeMs: number): boolean {
  return Number.isInteger(timeMs) && timeMs >= 0 && timeMs <= MAX_TIME_MS;
}
