import { hash } from "node:crypto";
import { Code } from "@connectrpc/connect";
import type { SubmissionState } from "../../gen/infobip/messages/v1/submission_pb.js";
import { ServiceError } from "../errors.ts";

const VERSION = 1;
const NUMBER_BYTES = 6;
const SEAL_BYTES = 8;

/** A page token: base64url of version, number of the submission before which the page begins, and 8 bytes over both and the states. */
export function encodePageToken(before: number, states: readonly SubmissionState[]): string {
  const head = Buffer.alloc(1 + NUMBER_BYTES);
  head[0] = VERSION;
  head.writeUIntBE(before, 1, NUMBER_BYTES);
  return Buffer.concat([head, sealOf(head, states)]).toString("base64url");
}

/**
 * The number that {@link encodePageToken} wrote for these states, in any order.
 *
 * @throws ServiceError PAGE_TOKEN_INVALID for any other text.
 */
export function decodePageToken(token: string, states: readonly SubmissionState[]): number {
  const bytes = Buffer.from(token, "base64url");
  const head = bytes.subarray(0, 1 + NUMBER_BYTES);
  // Buffer skips foreign characters and ignores stray bits, hence the comparison.
  const isOurs =
    bytes.length === 1 + NUMBER_BYTES + SEAL_BYTES &&
    bytes.toString("base64url") === token &&
    head[0] === VERSION &&
    bytes.subarray(head.length).equals(sealOf(head, states));
  if (!isOurs) throw pageTokenInvalid();
  return head.readUIntBE(1, NUMBER_BYTES);
}

function sealOf(head: Uint8Array, states: readonly SubmissionState[]): Buffer {
  const sorted = [...new Set(states)].sort((a, b) => a - b);
  return hash("sha256", Buffer.concat([head, Buffer.from(sorted)]), "buffer").subarray(0, SEAL_BYTES);
}

function pageTokenInvalid(): ServiceError {
  return new ServiceError(
    Code.InvalidArgument,
    "PAGE_TOKEN_INVALID",
    "the page token is damaged or belongs to a request with other states; repeat the request of the page before with its next_page_token, or begin without a token",
    {
      violations: [
        { field: "page_token", description: "must be the next_page_token of a request with the same states" },
      ],
    },
  );
}
