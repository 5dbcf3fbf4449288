import { lengthDelimitedTag } from "../../protobuf-wire.ts";

// Field number of infobip.events.v1.Event.id.
const ID_TAG = lengthDelimitedTag(1);

/**
 * Public id of an encoded event. Every writer of protobuf puts the fields in
 * the order of their numbers, so the id stands first; empty when it does not.
 */
export function eventIdOfEncoded(encoded: Uint8Array): string {
  if (encoded[0] !== ID_TAG) return "";
  let length = 0;
  let at = 1;
  for (let factor = 1; ; factor *= 0x80) {
    const byte = encoded[at++] ?? 0;
    length += (byte & 0x7f) * factor;
    if (byte < 0x80) break;
  }
  const bytes = Buffer.isBuffer(encoded)
    ? encoded
    : Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  return bytes.toString("utf8", at, at + length);
}
