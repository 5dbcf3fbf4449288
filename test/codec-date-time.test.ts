import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { DateTimeStyle } from "../gen/infobip/options/v1/json_pb.js";
import { formatDateTime, parseDateTime } from "../src/infobip/codec/date-time.ts";
import { decodeRest } from "../src/infobip/codec/decode.ts";
import { encodeRest } from "../src/infobip/codec/encode.ts";

const HALF_PAST_NINE = Date.UTC(2026, 4, 4, 9, 30) / 1000;
const SPELLINGS = [
  "2026-05-04T09:30:00.000+0000",
  "2026-05-04T09:30:00.000Z",
  "2026-05-04T09:30:00Z",
  "2026-05-04T09:30+0000",
  "2026-05-04T09:30Z",
  "2026-05-04T09:30:00.0Z",
  "2026-05-04T11:30:00.000+0200",
  "2026-05-04T05:00:00-04:30",
  "2026-05-04T09:30:00",
];

describe("parseDateTime", () => {
  it.each(SPELLINGS)("%s is one instant", (text) => {
    expect(parseDateTime(text)).toEqual({ seconds: BigInt(HALF_PAST_NINE), nanos: 0 });
  });

  it("keeps nanoseconds, also before 1970", () => {
    expect(parseDateTime("1969-12-31T23:59:59.123456789Z")).toEqual({ seconds: -1n, nanos: 123456789 });
  });

  it.each([
    "2026-02-30T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-05-04T24:00:00Z",
    "2026-05-04T09:60:00Z",
    "2026-05-04T09:30:60Z",
    "2026-05-04T09:30:60.000+0000",
    "0000-05-04T09:30:00Z",
    "0001-01-01T00:00:00+0100",
    "9999-12-31T23:59:59-0100",
    "2026-05-04",
    "2026-05-0aT09:30:00Z",
    "2026-05-04T09:30:00ZZ",
    "",
    "x",
  ])("refuses %j", (text) => {
    expect(parseDateTime(text)).toBeUndefined();
  });

  it("agrees with Date on every instant", () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }), (ms) => {
        const text = new Date(ms).toISOString().replace("Z", "+0000");
        const parsed = parseDateTime(text);
        expect(Number(parsed?.seconds) * 1000 + (parsed?.nanos ?? 0) / 1e6).toBe(ms);
      }),
    );
  });
});

describe("formatDateTime", () => {
  const instant = (seconds: number, nanos = 0) =>
    create(TimestampSchema, { seconds: BigInt(seconds), nanos });

  it.each([
    [DateTimeStyle.UNSPECIFIED, "2026-05-04T09:30:00.000+0000"],
    [DateTimeStyle.MILLIS_OFFSET, "2026-05-04T09:30:00.000+0000"],
    [DateTimeStyle.SECONDS_UTC, "2026-05-04T09:30:00Z"],
  ])("style %i", (style, text) => {
    expect(formatDateTime(instant(HALF_PAST_NINE), style)).toBe(text);
  });

  it("does not drop milliseconds in the style of whole seconds", () => {
    expect(formatDateTime(instant(0, 5e6), DateTimeStyle.SECONDS_UTC)).toBe("1970-01-01T00:00:00.005Z");
  });

  it.each([
    [-62135596801, 0],
    [253402300800, 0],
    [0, -1],
    [0, 1e9],
  ])("has no form for second %i and nano %i", (seconds, nanos) => {
    expect(formatDateTime(instant(seconds, nanos), DateTimeStyle.MILLIS_OFFSET)).toBeUndefined();
  });
});

describe("a REST body", () => {
  const body = (sendAt: string) => ({ messages: [], options: { schedule: { sendAt } } });

  it.each(SPELLINGS)("keeps the spelling %s", (text) => {
    const { message, issues } = decodeRest(SendMessagesRequestSchema, body(text));
    expect(issues).toEqual([]);
    expect(JSON.parse(encodeRest(SendMessagesRequestSchema, message))).toEqual({
      options: { schedule: { sendAt: text } },
    });
  });

  it("is not held to a text that spells another instant", () => {
    const { message } = decodeRest(SendMessagesRequestSchema, body("2026-05-04T09:30Z"));
    const schedule = message.options?.schedule;
    if (schedule?.sendAt) schedule.sendAt.seconds += 60n;
    expect(encodeRest(SendMessagesRequestSchema, message)).toContain("2026-05-04T09:31:00.000+0000");
  });
});
