import {
  BATCH_HEAD_BYTES,
  type PackedEvent,
  packEvent,
  packedLength,
  unpackBatch,
} from "../../embedded/batch-buffer.ts";
import type { EventColumns, NewEvent } from "../../event-log.ts";

const NONE = new Uint8Array();
const FINGERPRINT_BYTES = 8;

/** Events as bytes; none of them are no bytes. What is not written is zero: nothing else of the memory leaves the process. */
export function packEvents(events: readonly NewEvent[]): Uint8Array {
  if (events.length === 0) return NONE;
  const target = Buffer.alloc(packedLength(events));
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  view.setUint32(0, events.length, true);
  let end = BATCH_HEAD_BYTES;
  let before: EventColumns | undefined;
  for (const event of events) {
    end = packEvent(target, view, end, event, before);
    before = event.columns;
  }
  return target.subarray(0, end);
}

/** The events of bytes that {@link packEvents} gave. */
export function unpackEvents(bytes: Uint8Array): NewEvent[] {
  if (bytes.length === 0) return [];
  const batch = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from(unpackBatch(batch), (event) => newEventOf(event, batch));
}

function newEventOf(event: PackedEvent, batch: Buffer): NewEvent {
  const fingerprint = new DataView(new ArrayBuffer(FINGERPRINT_BYTES));
  fingerprint.setBigInt64(0, event.fingerprint, true);
  return {
    columns: {
      type: event.type,
      channel: event.channel,
      messageId: event.messageId,
      bulkId: event.bulkId,
      sender: event.sender,
      destination: event.destination,
      applicationId: event.applicationId,
      entityId: event.entityId,
      final: event.final === 1,
      rank: event.rank,
      occurTimeMs: event.occurTimeMs,
    },
    fingerprint: new Uint8Array(fingerprint.buffer),
    encoded: batch.subarray(event.encodedAt, event.encodedEnd),
    raw: event.raw,
  };
}
