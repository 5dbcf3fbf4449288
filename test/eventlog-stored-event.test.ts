import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventSchema } from "../gen/infobip/events/v1/event_pb.js";
import { varintLength, writeVarint } from "../src/eventlog/protobuf-wire.ts";
import {
  assembleEvent,
  COMMIT_FIELDS_MAX_BYTES,
  writeRecordTime,
  writeSuperseded,
} from "../src/eventlog/stored-event.ts";

describe("stored event", () => {
  it("gains record time, cursor, sequence and raw body by appended bytes, whatever their values", () => {
    const base = create(EventSchema, { id: "e", messageId: "m", cursor: "stale", final: true });
    const times = fc.integer({ min: 0, max: 253_402_300_799_999 });
    fc.assert(
      fc.property(
        times,
        fc.string({ maxLength: 100, unit: "grapheme-ascii" }),
        fc.maxSafeNat(),
        fc.uint8Array({ maxLength: 300 }),
        fc.boolean(),
        (timeMs, cursor, sequence, raw, superseded) => {
          const encoded = toBinary(EventSchema, base);
          const stored = Buffer.alloc(encoded.length + COMMIT_FIELDS_MAX_BYTES);
          stored.set(encoded);
          const timeEnd = writeRecordTime(stored, encoded.length, timeMs);
          const end = superseded ? writeSuperseded(stored, timeEnd) : timeEnd;
          expect(end).toBeLessThanOrEqual(stored.length);
          const event = fromBinary(
            EventSchema,
            assembleEvent(stored.subarray(0, end), cursor, sequence, raw),
          );
          expect(event).toMatchObject({
            id: "e",
            messageId: "m",
            final: true,
            superseded,
            cursor,
            sequence: BigInt(sequence),
          });
          expect(event.recordTime && timestampMs(event.recordTime)).toBe(timeMs);
          expect(Buffer.from(event.rawBody ?? [])).toEqual(Buffer.from(raw));
          expect(event.$unknown).toBeUndefined();
        },
      ),
    );
  });

  it("has no raw body unless one is given", () => {
    expect(
      fromBinary(EventSchema, assembleEvent(new Uint8Array(), "c", 1, undefined)).rawBody,
    ).toBeUndefined();
  });

  it("writes varints of the length it says", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const target = new Uint8Array(10);
        expect(writeVarint(target, 0, value)).toBe(varintLength(value));
      }),
    );
  });
});
