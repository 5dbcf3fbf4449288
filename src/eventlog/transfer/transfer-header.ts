import * as z from "zod";
import { damagedTransfer } from "./transfer-error.ts";
import type { TransferCounts, TransferHeader } from "./transfer-format.ts";

const count = z.int().nonnegative();
const counts = z.object({
  events: count,
  subscriptions: count,
  deadLetters: count,
  submissions: count,
  answers: count,
});
const header = z
  .object({
    logId: z.string().regex(/^[0-9a-f]{16}$/),
    earliest: count,
    head: count,
    lastSubmissionNumber: count,
    exportTimeMs: z.number(),
    counts,
  })
  .refine(({ earliest, head, counts: { events } }) => head - earliest === events);

/** Reads the body of a HEADER frame. @throws TransferError DAMAGED */
export function parseHeader(body: Buffer): TransferHeader {
  return parse(header, body);
}

/** Reads the body of an END frame. @throws TransferError DAMAGED */
export function parseCounts(body: Buffer): TransferCounts {
  return parse(counts, body);
}

function parse<T>(schema: z.ZodType<T>, body: Buffer): T {
  try {
    return schema.parse(JSON.parse(body.toString()));
  } catch (error) {
    throw damagedTransfer("what it tells about itself cannot be read", error);
  }
}
