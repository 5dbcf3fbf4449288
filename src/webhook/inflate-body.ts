import type { Transform } from "node:stream";
import { createGunzip, createInflate, createInflateRaw } from "node:zlib";
import type { BodyLease } from "./body-budget.ts";
import { BodyCollector } from "./body-collector.ts";
import { WebhookRefusal } from "./webhook-answer.ts";

/**
 * Undoes a content encoding: gzip, deflate (with or without its zlib wrapper)
 * or identity. What comes out is bounded by `maxBytes` and by the lease while
 * it is being produced, so a small body cannot become a large one. Throws a
 * WebhookRefusal: 413, 415 for an encoding that is not supported, 400 for
 * bytes that are not what the encoding says, 503 over the budget.
 */
export async function inflateBody(
  body: Uint8Array,
  encoding: string,
  maxBytes: number,
  lease: BodyLease,
): Promise<Uint8Array> {
  if (encoding === "identity" || encoding === "") return body;
  const inflater = createInflater(body, encoding);
  const collector = new BodyCollector(maxBytes, lease, body.length);
  inflater.end(body);
  try {
    for await (const piece of inflater) collector.add(piece as Buffer);
  } catch (error) {
    if (error instanceof WebhookRefusal) throw error;
    throw new WebhookRefusal(400, "ENCODING_BROKEN", `the body is not valid ${encoding}`, { cause: error });
  } finally {
    inflater.destroy();
  }
  return collector.bytes;
}

function createInflater(body: Uint8Array, encoding: string): Transform {
  switch (encoding) {
    case "gzip":
    case "x-gzip":
      return createGunzip();
    case "deflate":
      return hasZlibHeader(body) ? createInflate() : createInflateRaw();
    default:
      throw new WebhookRefusal(
        415,
        "ENCODING_NOT_SUPPORTED",
        "the content encoding must be gzip, deflate or identity",
      );
  }
}

/** Some senders of `deflate` leave the zlib wrapper out. */
function hasZlibHeader(body: Uint8Array): boolean {
  const [first = 0, second = 0] = body;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}
