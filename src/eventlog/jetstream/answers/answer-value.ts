import { hash } from "node:crypto";
import type { StoredAnswer } from "../../answer-store.ts";
import {
  FieldPacker,
  FieldReader,
  NUMBER_BYTES,
  packedBytesLength,
  packedTextLength,
} from "../../embedded/packed-fields.ts";
import { UnreadableMessage } from "../store-errors.ts";

/** Version of what a value holds. */
const FORMAT = 1;
/** Characters of a key: 128 bits and a little more. */
const KEY_LENGTH = 22;

/** Key of the answer to a request id: ids may hold what a subject cannot. */
export function answerKey(requestId: string): string {
  return hash("sha256", requestId, "base64url").slice(0, KEY_LENGTH);
}

/** Format, request id, payload hash, response. */
export function encodeAnswer(requestId: string, { payloadHash, response }: StoredAnswer): Uint8Array {
  const length =
    NUMBER_BYTES + packedTextLength(requestId) + packedBytesLength(payloadHash) + packedBytesLength(response);
  const packer = new FieldPacker(length);
  packer.number(FORMAT);
  packer.text(requestId);
  packer.bytes(payloadHash);
  packer.bytes(response);
  return packer.written;
}

/**
 * The answer in a value; undefined when it is that of another request id.
 *
 * @throws UnreadableMessage, RangeError when it is no answer of a known format
 */
export function decodeAnswer(requestId: string, value: Uint8Array): StoredAnswer | undefined {
  const reader = new FieldReader(value);
  const format = reader.number();
  if (format !== FORMAT) throw new UnreadableMessage(`an answer has the unknown format ${format}`);
  if (reader.text() !== requestId) return undefined;
  return { payloadHash: reader.bytes(), response: reader.bytes() };
}
