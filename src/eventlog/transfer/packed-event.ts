import { BATCH_HEAD_BYTES, packEvent, packedEventLength, unpackBatch } from "../embedded/batch-buffer.ts";
import type { NewEvent } from "../event-log.ts";

const FINGERPRINT_BYTES = 8;

/**
 * One event packed by batch-buffer.ts, cut to its length, with zeros where the
 * log leaves room: equal events give equal bytes, and no memory of this
 * process leaves with them.
 */
export function packOne(event: NewEvent): Uint8Array {
  const buffer = Buffer.from(new ArrayBuffer(BATCH_HEAD_BYTES + packedEventLength(event)));
  const view = new DataView(buffer.buffer);
  view.setUint32(0, 1, true);
  return buffer.subarray(0, packEvent(buffer, view, BATCH_HEAD_BYTES, event, undefined));
}

/** The event that {@link packOne} has packed; its bytes are views. @throws RangeError when there is none */
export function unpackOne(bytes: Uint8Array): NewEvent {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const [packed] = unpackBatch(buffer);
  if (packed === undefined) throw new RangeError("there is no packed event");
  const { encodedAt, encodedEnd, fingerprint: number, raw, final, ...rest } = packed;
  const fingerprint = Buffer.alloc(FINGERPRINT_BYTES);
  fingerprint.writeBigInt64LE(number);
  return {
    columns: {
      type: rest.type,
      channel: rest.channel,
      messageId: rest.messageId,
      bulkId: rest.bulkId,
      sender: rest.sender,
      destination: rest.destination,
      applicationId: rest.applicationId,
      entityId: rest.entityId,
      final: final === 1,
      rank: rest.rank,
      occurTimeMs: rest.occurTimeMs,
    },
    fingerprint,
    encoded: buffer.subarray(encodedAt, encodedEnd),
    raw,
    superseded: packed.superseded === 1,
  };
}
