import { hash } from "node:crypto";

/*
 * Payload of a message of the event stream. Its first byte is the format:
 *
 *   0  nothing: shows that the stream takes messages
 *   1  an event: f64 record time, then a batch of one of batch-buffer.ts
 *   2  an event in parts: f64 record time, then what parted-event.ts says
 *   3  a part: bytes of an event
 *
 * Little-endian. A record time of 0 stands for the server's time of the message.
 */

/** First byte of a message without an event. */
export const NOTHING = 0;
/** First byte of an event. */
export const EVENT = 1;
/** First byte of an event in parts. */
export const PARTED = 2;
/** First byte of a part. */
export const PART = 3;
/** Bytes before the packed event: format and record time. */
export const EVENT_HEAD_BYTES = 1 + 8;

/** Characters of {@link hashId}. */
export const HASH_ID_LENGTH = 22;

/** 22 characters of base64url: the first 132 bits of SHA-256. */
export function hashId(data: string | Uint8Array): string {
  return hash("sha256", data, "base64url").slice(0, HASH_ID_LENGTH);
}
