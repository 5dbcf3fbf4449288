import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { DateTimeStyle } from "../../../gen/infobip/options/v1/json_pb.js";

/** First and last second that protobuf's Timestamp holds: the years 1 to 9999. */
const FIRST_SECOND = -62_135_596_800;
const LAST_SECOND = 253_402_300_799;
const MAX_NANOS = 999_999_999;
/** Date and time to the minute, then what may follow: seconds, fraction, offset. */
const MINUTES_LENGTH = "2026-05-04T09:30".length;
const REST = /^(?::(\d{2})(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d{2}):?(\d{2}))?$/;
const USUAL_LENGTH = "2026-05-04T09:30:00.000+0000".length;
const USUAL_REST = /^:\d{2}\.\d{3}\+0000$/;

/** An instant, as protobuf's Timestamp holds it. */
export interface Instant {
  readonly seconds: bigint;
  readonly nanos: number;
}

/**
 * Reads an ISO 8601 date and time: seconds, fraction and offset may be left
 * out, and without an offset it is UTC. Undefined when it is none, or no such
 * day exists.
 */
export function parseDateTime(text: string): Instant | undefined {
  const minutes = minutesSinceEpoch(text);
  if (minutes === undefined) return undefined;
  const rest = text.slice(MINUTES_LENGTH);
  // The spelling of nearly every report, without the cost of capture groups.
  if (USUAL_REST.test(rest))
    return instant(minutes, Number(rest.slice(1, 3)), Number(rest.slice(4, 7)) * 1e6);
  const match = REST.exec(rest);
  if (!match) return undefined;
  const [, second = "0", fraction = "", sign, offsetHours = "0", offsetMinutes = "0"] = match;
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * (sign === "-" ? -1 : 1);
  return instant(minutes - offset, Number(second), Number(fraction.padEnd(9, "0")));
}

/** The instant of Unix milliseconds; undefined outside the years that protobuf's Timestamp holds. */
export function fromEpochMillis(ms: number): Instant | undefined {
  const seconds = Math.floor(ms / 1000);
  if (!(seconds >= FIRST_SECOND && seconds <= LAST_SECOND)) return undefined;
  return { seconds: BigInt(seconds), nanos: Math.floor(ms - seconds * 1000) * 1_000_000 };
}

/**
 * Unix milliseconds of a date and time in the spelling of nearly every report,
 * `2026-05-04T09:30:00.000+0000`; NaN for any other text. Cheaper than
 * {@link parseDateTime}, which gives the same instant.
 */
export function usualDateTimeMs(text: string): number {
  if (text.length !== USUAL_LENGTH || !text.endsWith("+0000") || text[16] !== ":" || text[19] !== ".")
    return Number.NaN;
  const second = digits(text, 17);
  const millis = digits(text, 20) * 10 + (digits(text, 21) % 10);
  const minutes = minutesSinceEpoch(text) ?? Number.NaN;
  return second <= 59 ? minutes * 60_000 + second * 1000 + millis : Number.NaN;
}

function instant(minutes: number, second: number, nanos: number): Instant | undefined {
  const seconds = minutes * 60 + second;
  if (second > 59 || seconds < FIRST_SECOND || seconds > LAST_SECOND) return undefined;
  return { seconds: BigInt(seconds), nanos };
}

/** Minutes from 1970 of the part up to the minutes; undefined when it is none. */
function minutesSinceEpoch(text: string): number | undefined {
  if (text[4] !== "-" || text[7] !== "-" || text[10] !== "T" || text[13] !== ":") return undefined;
  const year = digits(text, 0) * 100 + digits(text, 2);
  const month = digits(text, 5);
  const day = digits(text, 8);
  const hour = digits(text, 11);
  const minute = digits(text, 14);
  // Whatever is no digit makes its number NaN, which no comparison lets through.
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1 && hour <= 23 && minute <= 59)) return undefined;
  if (day > daysInMonth(year, month)) return undefined;
  return (daysSinceEpoch(year, month, day) * 24 + hour) * 60 + minute;
}

/** The number of two digits; NaN when they are none. */
function digits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days from 1970-01-01 in the Gregorian calendar; years begin in March, so that leap days come last. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}

/**
 * Spells an instant in UTC. SECONDS_UTC keeps milliseconds where there are
 * some; anything finer is cut. Undefined for what is no valid Timestamp.
 */
export function formatDateTime(value: Timestamp | Instant, style: DateTimeStyle): string | undefined {
  const seconds = Number(value.seconds);
  if (!(seconds >= FIRST_SECOND && seconds <= LAST_SECOND)) return undefined;
  if (!(value.nanos >= 0 && value.nanos <= MAX_NANOS)) return undefined;
  const ms = seconds * 1000 + Math.floor(value.nanos / 1e6);
  const iso = new Date(ms).toISOString();
  if (style !== DateTimeStyle.SECONDS_UTC) return `${iso.slice(0, 23)}+0000`;
  return ms % 1000 === 0 ? `${iso.slice(0, 19)}Z` : iso;
}

/** Whether a text spells that very instant. */
export function spells(text: string, value: Timestamp | Instant): boolean {
  const parsed = parseDateTime(text);
  return parsed !== undefined && parsed.seconds === value.seconds && parsed.nanos === value.nanos;
}
