/** A length of time, or an instant counted from 1970. */
export interface Span {
  readonly seconds: bigint;
  readonly nanos: number;
}

const NANOS = 1_000_000_000;
/** Most seconds of a google.protobuf.Duration: about 10,000 years. CEL takes a part of them only. */
const MAX_DURATION_SECONDS = 9_000_000_000n;
/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the bounds of a google.protobuf.Timestamp. */
const FIRST_SECOND = -62_135_596_800n;
const LAST_SECOND = 253_402_300_799n;

/** Whether a duration is in the form, and the range, in which comparing its parts compares it. */
export function isSoundDuration({ seconds, nanos }: Span): boolean {
  if (seconds > MAX_DURATION_SECONDS || seconds < -MAX_DURATION_SECONDS) return false;
  if (nanos >= NANOS || nanos <= -NANOS) return false;
  return nanos === 0 || seconds === 0n || nanos > 0 === seconds > 0n;
}

/** Whether an instant is in the form, and the range, in which comparing its parts compares it. */
export function isSoundTimestamp({ seconds, nanos }: Span): boolean {
  return nanos >= 0 && nanos < NANOS && seconds >= FIRST_SECOND && seconds <= LAST_SECOND;
}

/** Below, at or above zero as the first is shorter, the same or longer; both must be sound. */
export function compareSpans(a: Span, b: Span): number {
  if (a.seconds !== b.seconds) return a.seconds < b.seconds ? -1 : 1;
  return Math.sign(a.nanos - b.nanos);
}

/** The present, in whole milliseconds as protovalidate has it, plus some seconds. */
export function secondsFromNow(seconds: number): Span {
  const now = Date.now();
  const whole = Math.floor(now / 1000);
  return { seconds: BigInt(whole + seconds), nanos: (now - whole * 1000) * 1_000_000 };
}
