import type { TraceContext } from "./trace-context.ts";

/** Longest tracestate that is passed on, in characters; every system must take that many. */
export const MAX_TRACESTATE_CHARS = 512;
/** Entries longer than this are the first to go when a tracestate is too long. */
const LARGE_ENTRY_CHARS = 128;
/** Most entries of a tracestate. */
const MAX_ENTRIES = 32;
/** Characters of a traceparent of version 00. */
const LENGTH = 55;
/** Flags with a meaning: sampled, and random trace id. The others are sent as 0. */
const KNOWN_FLAGS = 0x03;

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;
const SIMPLE_KEY = "[a-z0-9][a-z0-9_\\-*/@]{0,255}";
/** A value: printable ASCII without comma and equals sign, that does not end with a blank. */
const VALUE = "[\\x20-\\x2b\\x2d-\\x3c\\x3e-\\x7e]{0,255}[\\x21-\\x2b\\x2d-\\x3c\\x3e-\\x7e]";
const ENTRY = new RegExp(`^(${SIMPLE_KEY})=${VALUE}$`);

/**
 * Reads the two headers of W3C Trace Context, several of one name joined with
 * commas. Undefined for a traceparent that is missing or not as the
 * specification has it; a tracestate that is not is left out. The result is of
 * version 00, whatever the version was.
 * @see https://www.w3.org/TR/trace-context-2/
 */
export function parseTraceContext(
  traceparent: string | undefined,
  tracestate: string | undefined,
): TraceContext | undefined {
  // A comma stands between two headers, of which there must be one.
  if (traceparent === undefined || traceparent.length < LENGTH) return undefined;
  const [, version, traceId = "", spanId = "", flags = "", rest] = TRACEPARENT.exec(traceparent) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return undefined;
  const known = (Number.parseInt(flags, 16) & KNOWN_FLAGS).toString(16).padStart(2, "0");
  const state = tracestate === undefined ? undefined : parseTracestate(tracestate);
  return {
    traceparent: `00-${traceId}-${spanId}-${known}`,
    ...(state === undefined ? {} : { tracestate: state }),
  };
}

/** Undefined when it is empty or breaks the rules. Too long a one loses whole entries, the large ones first, then the last ones. */
function parseTracestate(text: string): string | undefined {
  const entries = text
    .split(",")
    .map((entry) => entry.replace(/^[ \t]+|[ \t]+$/g, ""))
    .filter((entry) => entry !== "");
  if (entries.length === 0 || entries.length > MAX_ENTRIES) return undefined;
  const keys = new Set<string>();
  for (const entry of entries) {
    const key = ENTRY.exec(entry)?.[1];
    if (key === undefined || keys.has(key)) return undefined;
    keys.add(key);
  }
  const kept = shortened(entries);
  return kept.length === 0 ? undefined : kept.join(",");
}

function shortened(entries: string[]): string[] {
  while (entries.join(",").length > MAX_TRACESTATE_CHARS) {
    const large = entries.findLastIndex((entry) => entry.length > LARGE_ENTRY_CHARS);
    entries.splice(large === -1 ? entries.length - 1 : large, 1);
  }
  return entries;
}
