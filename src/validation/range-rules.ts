import type { Duration } from "@bufbuild/protobuf/wkt";
import { ACCEPT_ALL, type Accepts } from "./acceptance.ts";
import { compareSpans, isSoundDuration, type Span } from "./time.ts";

/** Bounds as the rules of every ordered type have them. */
interface Range<T> {
  readonly lessThan: { readonly case: "lt" | "lte"; readonly value: T } | { readonly case: undefined };
  readonly greaterThan: { readonly case: "gt" | "gte"; readonly value: T } | { readonly case: undefined };
}

/** Compiles the bounds of a number; undefined for bounds that exclude what lies between them. */
export function numberRange({ lessThan, greaterThan }: Range<number>, finite = false): Accepts | undefined {
  const max = lessThan.case === undefined ? Number.POSITIVE_INFINITY : lessThan.value;
  const min = greaterThan.case === undefined ? Number.NEGATIVE_INFINITY : greaterThan.value;
  if (max < min) return undefined;
  const isBelow = lessThan.case === "lt";
  const isAbove = greaterThan.case === "gt";
  if (lessThan.case === undefined && greaterThan.case === undefined && !finite) return ACCEPT_ALL;
  return (value) => {
    const number = value as number;
    if (finite && !Number.isFinite(number)) return false;
    // NaN is in no range.
    return (isBelow ? number < max : number <= max) && (isAbove ? number > min : number >= min);
  };
}

/** Compiles the bounds of a duration; undefined for bounds that exclude what lies between them. */
export function durationRange({ lessThan, greaterThan }: Range<Duration>): Accepts | undefined {
  const max: Span | undefined = lessThan.case === undefined ? undefined : lessThan.value;
  const min: Span | undefined = greaterThan.case === undefined ? undefined : greaterThan.value;
  if (max !== undefined && min !== undefined && compareSpans(max, min) < 0) return undefined;
  // The least difference that is too much.
  const over = lessThan.case === "lt" ? 0 : 1;
  const under = greaterThan.case === "gt" ? 0 : -1;
  return (value) => {
    const duration = value as Duration;
    if (!isSoundDuration(duration)) return false;
    if (max !== undefined && compareSpans(duration, max) >= over) return false;
    return min === undefined || compareSpans(duration, min) > under;
  };
}
