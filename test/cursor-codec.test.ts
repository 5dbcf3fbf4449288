import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Reason, ServiceError } from "../src/errors.ts";
import { CURSOR_LENGTH, decodeCursor, encodeCursor, parseCursor } from "../src/eventlog/cursor.ts";

const LOG_ID = "00ff1122334455aa";
const log = { id: LOG_ID, bounds: () => ({ earliest: 10, head: 20 }) };
const logIds = fc
  .uint8Array({ minLength: 8, maxLength: 8 })
  .map((bytes) => Buffer.from(bytes).toString("hex"));
const sequences = fc.maxSafeNat();

function failure(text: string): ServiceError {
  try {
    parseCursor(text, log);
  } catch (error) {
    return error as ServiceError;
  }
  throw new Error(`${text} was accepted`);
}

describe("cursor", () => {
  it("survives encoding and decoding, for every log and sequence", () => {
    fc.assert(
      fc.property(logIds, sequences, (logId, sequence) => {
        const text = encodeCursor(logId, sequence);
        expect(text).toHaveLength(CURSOR_LENGTH);
        expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(decodeCursor(text)).toEqual({ logId, sequence });
      }),
    );
  });

  it("notices every change of one character and every swap of neighbours", () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= ";
    fc.assert(
      fc.property(
        logIds,
        sequences,
        fc.nat(CURSOR_LENGTH - 1),
        fc.constantFrom(...alphabet),
        (id, sequence, at, char) => {
          const text = encodeCursor(id, sequence);
          const changed = text.slice(0, at) + char + text.slice(at + 1);
          if (changed !== text) expect(decodeCursor(changed)).toBeUndefined();
          const swapped =
            text.slice(0, at) +
            text
              .slice(at, at + 2)
              .split("")
              .reverse()
              .join("") +
            text.slice(at + 2);
          if (swapped !== text) expect(decodeCursor(swapped)).toBeUndefined();
        },
      ),
    );
  });

  it("refuses arbitrary text and bytes", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(decodeCursor(text)).toBeUndefined();
      }),
    );
  });

  it.each([10, 15, 20])("accepts position %d of a log that keeps 11 to 20", (position) => {
    expect(parseCursor(encodeCursor(LOG_ID, position), log)).toBe(position);
  });

  it.each<[string, string, Reason, Code, Record<string, string>]>([
    ["empty", "", "CURSOR_MALFORMED", Code.InvalidArgument, {}],
    ["cut", encodeCursor(LOG_ID, 15).slice(1), "CURSOR_MALFORMED", Code.InvalidArgument, {}],
    ["padded", `${encodeCursor(LOG_ID, 15)}==`, "CURSOR_MALFORMED", Code.InvalidArgument, {}],
    [
      "foreign",
      encodeCursor("0000000000000001", 15),
      "CURSOR_FOREIGN_LOG",
      Code.FailedPrecondition,
      { log_id: LOG_ID, cursor_log_id: "0000000000000001" },
    ],
    [
      "expired",
      encodeCursor(LOG_ID, 9),
      "CURSOR_EXPIRED",
      Code.OutOfRange,
      { earliest_cursor: encodeCursor(LOG_ID, 10) },
    ],
    [
      "ahead",
      encodeCursor(LOG_ID, 21),
      "CURSOR_AHEAD",
      Code.OutOfRange,
      { head_cursor: encodeCursor(LOG_ID, 20) },
    ],
  ])("refuses a cursor that is %s", (_, text, reason, code, metadata) => {
    const error = failure(text);
    expect([error.name, error.reason, error.code, error.metadata]).toEqual([
      "ServiceError",
      reason,
      code,
      metadata,
    ]);
  });

  it("refuses a sequence past the safe integers and another version, although their check is right", async () => {
    const { crc16 } = await import("../src/eventlog/crc16.ts");
    const forge = (change: (bytes: Buffer) => void): string => {
      const bytes = Buffer.from(encodeCursor(LOG_ID, 15), "base64url");
      change(bytes);
      bytes.writeUInt16BE(crc16(bytes, 17), 17);
      return bytes.toString("base64url");
    };
    expect(decodeCursor(forge(() => undefined))).toEqual({ logId: LOG_ID, sequence: 15 });
    expect(decodeCursor(forge((bytes) => bytes.writeUInt8(2, 0)))).toBeUndefined();
    expect(decodeCursor(forge((bytes) => bytes.writeUInt32BE(0x20_0000, 9)))).toBeUndefined();
  });
});
