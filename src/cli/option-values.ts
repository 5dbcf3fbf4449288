import { InvalidArgumentError, Option } from "commander";
import { duration, formatDuration } from "../config/value-types.ts";
import { parseTraceContext } from "../rpc/parse-trace-context.ts";

const DAY_MS = 24 * 3_600_000;

/** Reads a time such as 500ms, 30s or 5m, or a bare number of milliseconds; above 0. */
export function durationOption(text: string): number {
  return readTime(text, 1);
}

/** Reads a time as {@link durationOption} does; 0 is allowed. */
export function millisecondsOption(text: string): number {
  return readTime(text, 0);
}

/** A flag that takes a time; the help writes its default as a time too. */
export function timeFlag(
  flags: string,
  description: string,
  defaultMs: number,
  read: (text: string) => number = durationOption,
): Option {
  return new Option(flags, description).argParser(read).default(defaultMs, formatDuration(defaultMs));
}

function readTime(text: string, minMs: number): number {
  const result = duration(minMs, DAY_MS).safeParse(/^\d+$/.test(text) ? `${text}ms` : text);
  if (result.success) return result.data;
  throw new InvalidArgumentError("Give a time such as 500ms, 30s or 5m, or a number of milliseconds.");
}

/** Checks a traceparent, which a service would ignore if it were not well formed. */
export function traceparentOption(text: string): string {
  const trace = parseTraceContext(text, undefined);
  if (trace !== undefined) return trace.traceparent;
  throw new InvalidArgumentError(
    "Give a traceparent such as 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.",
  );
}

/** Reads a whole number of at least 1. */
export function countOption(text: string): number {
  const count = Number(text);
  if (/^\d{1,9}$/.test(text) && count >= 1) return count;
  throw new InvalidArgumentError("Give a whole number of at least 1.");
}

/** Collects a flag that can be given several times, each with one value or several between commas. */
export function listOption(text: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, ...text.split(",").filter((item) => item !== "")];
}

/** Collects a flag that can be given several times; a comma is part of the value. */
export function repeatedOption(text: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, text];
}
