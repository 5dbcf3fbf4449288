import { hash } from "node:crypto";
import type { NewMessageId } from "./destination-slots.ts";

/** What an id was derived for. Keeps ids of different RPCs apart where their request ids are equal. */
export type IdScope = "send" | "submission";

/**
 * Makes the message ids of one request from its request id and contents: the
 * nth call gives the nth id, the same for every repeat, on every instance.
 * The contents count, so that another service that happens to use the same
 * request id for other messages does not use the same message ids, which
 * Infobip would refuse as duplicates.
 *
 * Ids are UUIDv8 (RFC 9562): 122 bits of SHA-256 over scope, request id,
 * payload hash and position.
 */
export function derivedMessageIds(scope: IdScope, requestId: string, payloadHash: Uint8Array): NewMessageId {
  const contents = Buffer.from(payloadHash.buffer, payloadHash.byteOffset, payloadHash.byteLength);
  // No part can hold the separator, so different parts never make the same text.
  const seed = ["infobip-rpc/message-id/1", scope, requestId, contents.toString("hex")].join("\n");
  let position = 0;
  return () => uuidOf(hash("sha256", `${seed}\n${position++}`));
}

/** The first 128 bits of a hash, in hex, less those that say that it is a UUIDv8. */
function uuidOf(digest: string): string {
  const variant = "89ab"[Number.parseInt(digest[16] ?? "0", 16) & 3];
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}
