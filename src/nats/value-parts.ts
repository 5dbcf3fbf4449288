import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";
import type { NatsLink } from "./nats-link.ts";
import type { Publisher } from "./publisher.ts";
import { lastMessage } from "./stored-message.ts";

/** Header of a message whose value lies in parts: their nonce, their number and the value's bytes. */
export const PARTS_HEADER = "Infobip-Rpc-Parts";

/** First token of parts, which no key can have. */
export const PART_TOKEN = "$part";

/** Most bytes of one value. */
export const MAX_VALUE_BYTES = 64 * 1024 * 1024;

/** Most parts of one value; with a small max_payload it is the tighter limit. */
export const MAX_PARTS = 1_024;

/** Parts that are written or read at once. */
const PARTS_AT_ONCE = 4;

/** Where the parts of a value are. */
export interface PartsPlace {
  /** `<subject>.$part.<key>.<nonce>`; the part's index follows. */
  readonly subject: string;
  readonly count: number;
}

/** Stores a value in parts; resolves with the sequence of the earliest one. @throws ServiceError OVERLOADED when the value is too large */
export async function writeParts(
  publisher: Publisher,
  place: PartsPlace,
  data: Uint8Array,
  partBytes: number,
): Promise<number> {
  let first = Number.POSITIVE_INFINITY;
  for (let start = 0; start < place.count; start += PARTS_AT_ONCE) {
    const acks = await Promise.all(
      indexes(start, place.count).map((index) =>
        publisher.publish(
          `${place.subject}.${index}`,
          data.subarray(index * partBytes, (index + 1) * partBytes),
        ),
      ),
    );
    for (const { sequence } of acks) first = Math.min(first, sequence);
  }
  return first;
}

/** Reads a value from its parts; undefined when one is missing or they are not `bytes` long. */
export async function readParts(
  link: NatsLink,
  stream: string,
  place: PartsPlace,
  bytes: number,
): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < place.count; start += PARTS_AT_ONCE) {
    const messages = await Promise.all(
      indexes(start, place.count).map((index) => lastMessage(link, stream, `${place.subject}.${index}`)),
    );
    for (const message of messages) {
      if (message === undefined) return undefined;
      parts.push(message.data);
    }
  }
  const data = Buffer.concat(parts);
  return data.length === bytes ? data : undefined;
}

/** How many parts a value needs. @throws ServiceError OVERLOADED when it is too large */
export function partCount(bytes: number, partBytes: number): number {
  const count = Math.ceil(bytes / partBytes);
  const most = Math.min(MAX_VALUE_BYTES, MAX_PARTS * partBytes);
  if (bytes <= most) return count;
  throw new ServiceError(
    Code.ResourceExhausted,
    "OVERLOADED",
    `a value of ${bytes} bytes would be stored, and at most ${most} are taken; store less at once`,
  );
}

function indexes(start: number, count: number): number[] {
  return Array.from({ length: Math.min(PARTS_AT_ONCE, count - start) }, (_, i) => start + i);
}
