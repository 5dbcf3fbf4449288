/** Where a JSON value stands in a body: bytes from `start` up to, not with, `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
  /** Levels of objects and lists within it, itself included; 0 for a scalar. */
  readonly depth: number;
}

/** What a walk over one value has seen. */
interface Seen {
  depth: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const SPACE = 0x20;

/**
 * Finds the entries of the list `results` of a JSON object, byte by byte, so
 * that each can be kept exactly as it came. The body must be one that
 * JSON.parse takes: nothing is checked again. As with JSON.parse the last of
 * several members of the name counts. Undefined when that is no list. Nesting
 * costs no stack.
 */
export function findResultRanges(json: Uint8Array): ByteRange[] | undefined {
  let found: ByteRange[] | undefined;
  let at = skipSpace(json, 0);
  if (json[at] !== OPEN_OBJECT) return undefined;
  at = skipSpace(json, at + 1);
  while (at < json.length && json[at] !== CLOSE_OBJECT) {
    const keyEnd = skipString(json, at);
    const isResults = isResultsKey(json, at, keyEnd);
    // The colon is one byte.
    at = skipSpace(json, skipSpace(json, keyEnd) + 1);
    if (isResults && json[at] === OPEN_LIST) {
      found = [];
      at = addEntries(json, at, found);
    } else {
      if (isResults) found = undefined;
      at = skipValue(json, at, { depth: 0 });
    }
    at = skipSeparator(json, at);
  }
  return found;
}

/** Adds the entries of the list at `start`; returns where the list ends. */
function addEntries(json: Uint8Array, start: number, entries: ByteRange[]): number {
  const seen = { depth: 0 };
  let at = skipSpace(json, start + 1);
  while (at < json.length && json[at] !== CLOSE_LIST) {
    seen.depth = 0;
    const end = skipValue(json, at, seen);
    entries.push({ start: at, end, depth: seen.depth });
    at = skipSeparator(json, end);
  }
  return at + 1;
}

/** A key may be spelled with escapes; only then is it decoded. */
function isResultsKey(json: Uint8Array, start: number, end: number): boolean {
  const text = Buffer.from(json.buffer, json.byteOffset + start, end - start).toString("utf8");
  return text === '"results"' || (text.includes("\\") && JSON.parse(text) === "results");
}

function skipSpace(json: Uint8Array, from: number): number {
  let at = from;
  while (at < json.length && (json[at] ?? 0) <= SPACE) at++;
  return at;
}

function skipSeparator(json: Uint8Array, from: number): number {
  const at = skipSpace(json, from);
  return json[at] === COMMA ? skipSpace(json, at + 1) : at;
}

function skipString(json: Uint8Array, from: number): number {
  const length = json.length;
  let at = from + 1;
  while (at < length) {
    const byte = json[at] as number;
    if (byte === QUOTE) break;
    at += byte === BACKSLASH ? 2 : 1;
  }
  return at + 1;
}

function skipValue(json: Uint8Array, from: number, seen: Seen): number {
  const first = json[from];
  if (first === QUOTE) return skipString(json, from);
  if (first === OPEN_OBJECT || first === OPEN_LIST) return skipNested(json, from, seen);
  let at = from + 1;
  while (at < json.length && !endsScalar(json[at] ?? 0)) at++;
  return at;
}

function endsScalar(byte: number): boolean {
  return byte <= SPACE || byte === COMMA || byte === CLOSE_LIST || byte === CLOSE_OBJECT;
}

/** The hot loop of the intake: most bytes stand in strings, so those get a loop of their own. */
function skipNested(json: Uint8Array, from: number, seen: Seen): number {
  const length = json.length;
  let depth = 1;
  let deepest = 1;
  let at = from + 1;
  while (at < length && depth > 0) {
    const byte = json[at] as number;
    if (byte === QUOTE) {
      at = skipString(json, at);
      continue;
    }
    at++;
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      depth++;
      if (depth > deepest) deepest = depth;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth--;
    }
  }
  seen.depth = deepest;
  return at;
}
