import * as z from "zod";
import { Secret } from "../secret.ts";
import { type ListenAddress, parseListenAddress } from "./listen-address.ts";

/** How a setting's text becomes its value. Every source gives text; so a value means the same in each of them. */
export type ValueType<T> = z.ZodType<T, string>;

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** Builds a type from a function that throws an Error with the reason. */
export function parsed<T>(parse: (text: string) => T): ValueType<T> {
  return z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: error instanceof Error ? error.message : "is invalid" });
      return z.NEVER;
    }
  });
}

/** Any text; empty means not set. */
export function optionalText(): ValueType<string | undefined> {
  return parsed((text) => (text === "" ? undefined : text));
}

/** Text that must not be empty. */
export function requiredText(): ValueType<string> {
  return parsed((text) => {
    if (text === "") throw new Error("must not be empty");
    return text;
  });
}

/** A value that is never shown; empty means not set. Control characters are refused: they would break the header or URL it goes into. */
export function optionalSecret(): ValueType<Secret | undefined> {
  return parsed((text) => {
    if (/\p{Cc}/u.test(text)) throw new Error("must not hold line breaks or other control characters");
    return text === "" ? undefined : new Secret(text);
  });
}

/** A URL as the function gives it; empty means not set. */
export function optionalUrl(parse: (text: string) => string): ValueType<string | undefined> {
  return parsed((text) => (text === "" ? undefined : parse(text)));
}

/** Most entries of a list. */
const MAX_LIST_ENTRIES = 1_000;

/** The entries of a list as it stands in every source: commas or blanks between them. */
export function splitList(text: string): string[] {
  return text.split(/[\s,]+/).filter((entry) => entry !== "");
}

/** A list of texts that are each fit for `check`, which throws an Error with the reason; empty means none. */
export function list(check: (entry: string) => void): ValueType<readonly string[]> {
  return parsed((text) => {
    const entries = splitList(text);
    if (entries.length > MAX_LIST_ENTRIES) throw new Error(`must have at most ${MAX_LIST_ENTRIES} entries`);
    for (const entry of entries) check(entry);
    return entries;
  });
}

/** One of the given words. */
export function choice<const T extends readonly string[]>(words: T): ValueType<T[number]> {
  return parsed((text) => {
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw new Error(`must be one of ${words.join(", ")}`);
    return word;
  });
}

/** A list of some of the given words; each counts once, and empty means none. */
export function words<const T extends readonly string[]>(known: T): ValueType<readonly T[number][]> {
  return parsed((text) => {
    const isKnown = (word: string): word is T[number] => known.includes(word);
    const named = splitList(text);
    if (!named.every(isKnown)) throw new Error(`must be a list of ${known.join(", ")}`);
    return [...new Set(named)];
  });
}

/** true or false. */
export function flag(): ValueType<boolean> {
  return parsed((text) => {
    if (text !== "true" && text !== "false") throw new Error("must be true or false");
    return text === "true";
  });
}

/** Whole number within bounds, both included. */
export function integer(min: number, max: number): ValueType<number> {
  return parsed((text) =>
    withinBounds(/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN, min, max, String),
  );
}

/** A time such as 500ms, 3s, 2m or 1h, within bounds in milliseconds; the value is milliseconds. */
export function duration(minMs: number, maxMs: number): ValueType<number> {
  return parsed((text) =>
    withinBounds(scaled(text, /^(\d{1,12})(ms|s|m|h|d)$/, MS_PER_UNIT), minMs, maxMs, formatDuration),
  );
}

/** A size such as 4MiB, 512KiB or 1048576, within bounds in bytes; the value is bytes. */
export function byteSize(min: number, max: number): ValueType<number> {
  return parsed((text) =>
    withinBounds(scaled(text, /^(\d{1,15})(|B|KiB|MiB|GiB|TiB)$/, BYTES_PER_UNIT), min, max, formatBytes),
  );
}

/** Address of a listener; empty means off. */
export function listenAddress(): ValueType<ListenAddress | undefined> {
  return parsed((text) => (text === "" ? undefined : parseListenAddress(text)));
}

function scaled(text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number {
  const match = pattern.exec(text);
  return match === null ? Number.NaN : Number(match[1]) * (units[match[2] ?? ""] ?? Number.NaN);
}

function withinBounds(value: number, min: number, max: number, format: (value: number) => string): number {
  if (value >= min && value <= max) return value;
  throw new Error(`must be between ${format(min)} and ${format(max)}`);
}

/** Writes milliseconds the way a duration setting reads them. */
export function formatDuration(ms: number): string {
  const unit =
    (["d", "h", "m", "s"] as const).find((name) => ms !== 0 && ms % (MS_PER_UNIT[name] ?? 1) === 0) ?? "ms";
  return `${ms / (MS_PER_UNIT[unit] ?? 1)}${unit}`;
}

/** Writes bytes the way a size setting reads them. */
function formatBytes(bytes: number): string {
  const unit = (["TiB", "GiB", "MiB", "KiB"] as const).find(
    (name) => bytes !== 0 && bytes % (BYTES_PER_UNIT[name] ?? 1) === 0,
  );
  return unit === undefined ? String(bytes) : `${bytes / (BYTES_PER_UNIT[unit] ?? 1)}${unit}`;
}
