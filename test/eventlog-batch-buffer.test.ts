import fc from "fast-check";
import { expect, test } from "vitest";
import { packBatch, packedLength, unpackBatch } from "../src/eventlog/embedded/batch-buffer.ts";
import type { NewEvent } from "../src/eventlog/event-log.ts";

const text = fc.oneof(
  fc.constantFrom("", "same", "same", "ž😀"),
  fc.string({ maxLength: 20 }),
  fc.string({ unit: "grapheme", maxLength: 8 }),
);
const bytes = fc.uint8Array({ maxLength: 40 });
const event: fc.Arbitrary<NewEvent> = fc.record(
  {
    columns: fc.record(
      {
        type: fc.nat({ max: 8 }),
        channel: fc.nat({ max: 14 }),
        messageId: text,
        bulkId: text,
        sender: text,
        destination: text,
        applicationId: text,
        entityId: text,
        final: fc.boolean(),
        rank: fc.nat({ max: 7 }),
        occurTimeMs: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      },
      { noNullPrototype: true },
    ),
    fingerprint: fc.uint8Array({ minLength: 8, maxLength: 8 }),
    encoded: bytes,
    raw: bytes,
    superseded: fc.constantFrom(undefined, false, true),
  },
  { noNullPrototype: true },
);

test("a batch that was packed holds the same events, within the length that was told", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 6 }), (events) => {
      const length = packedLength(events);
      const packed = packBatch(events, length);
      expect(packed.byteLength).toBe(length);
      const batch = Buffer.from(packed);
      const unpacked = [...unpackBatch(batch)].map(
        ({ encodedAt, encodedEnd, final, superseded, ...rest }) => ({
          ...rest,
          final: final === 1,
          superseded: superseded === 1,
          raw: new Uint8Array(rest.raw),
          encoded: new Uint8Array(batch.subarray(encodedAt, encodedEnd)),
        }),
      );
      const expected = events.map(({ columns, fingerprint, encoded, raw, superseded }) => ({
        ...columns,
        superseded: superseded === true,
        fingerprint: Buffer.from(fingerprint).readBigInt64LE(0),
        encoded,
        raw,
      }));
      expect(unpacked).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});
