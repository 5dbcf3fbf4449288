import { hash } from "node:crypto";
import { create, type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";

/** Which list a page token belongs to; goes into every token, so a number never changes its meaning. */
export const PageKind = { EVENTS: 1, MESSAGE: 2, SUBSCRIPTIONS: 3, DEAD_LETTERS: 4 } as const;

/** Value of {@link PageKind}. */
export type PageKind = (typeof PageKind)[keyof typeof PageKind];

const VERSION = 1;
const DIGEST_BYTES = 8;
const HEADER_BYTES = 1 + DIGEST_BYTES;
/** Longest position, in bytes of UTF-8: a token must fit the 400 characters that requests take. */
export const MAX_POSITION_BYTES = 280;
const MAX_TOKEN_CHARS = 400;

/**
 * 8 bytes over the fields of a request that must stay the same from page to
 * page: all but page_size and page_token.
 */
export function argumentsDigest<D extends DescMessage>(
  schema: D,
  request: MessageShape<D> & { pageSize: number; pageToken: string },
): Uint8Array {
  const kept = Object.assign(create(schema), request, { pageSize: 0, pageToken: "" });
  return shortHash(toBinary(schema, kept));
}

/**
 * Writes a page token: base64url of version, 8 bytes over kind, arguments and
 * position, and the position. `position` is a text that says where the next
 * page begins, such as a cursor or the id of the last entry.
 */
export function encodePageToken(kind: PageKind, position: string, digest: Uint8Array): string {
  const text = Buffer.from(position, "utf8");
  if (text.length > MAX_POSITION_BYTES) throw new RangeError("the position is too long for a page token");
  return Buffer.concat([Buffer.of(VERSION), sealOf(kind, digest, text), text]).toString("base64url");
}

/**
 * Position of a page token that {@link encodePageToken} wrote for this kind
 * and these arguments.
 *
 * @throws ServiceError PAGE_TOKEN_INVALID for any other text.
 */
export function decodePageToken(kind: PageKind, token: string, digest: Uint8Array): string {
  const bytes = Buffer.from(token.slice(0, MAX_TOKEN_CHARS), "base64url");
  const text = bytes.subarray(HEADER_BYTES);
  // Buffer skips foreign characters and ignores stray bits, hence the comparison.
  const isOurs =
    bytes.toString("base64url") === token &&
    bytes[0] === VERSION &&
    bytes.subarray(1, HEADER_BYTES).equals(sealOf(kind, digest, text));
  if (!isOurs) throw pageTokenInvalid();
  return text.toString("utf8");
}

function sealOf(kind: PageKind, digest: Uint8Array, position: Uint8Array): Buffer {
  return shortHash(Buffer.concat([Buffer.of(kind), digest, position]));
}

function shortHash(bytes: Uint8Array): Buffer {
  return hash("sha256", bytes, "buffer").subarray(0, DIGEST_BYTES);
}

/** The error for a page token that does not belong to its request. */
export function pageTokenInvalid(): ServiceError {
  const advice =
    "the page token is damaged or belongs to another request; repeat the request of the page before with its next_page_token, or begin without a token";
  return new ServiceError(Code.InvalidArgument, "PAGE_TOKEN_INVALID", advice, {
    violations: [{ field: "page_token", description: "must be the next_page_token of the same request" }],
  });
}
