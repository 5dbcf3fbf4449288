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
    const end = skipValue(json, at, { depth: 0 });
    if (isResults) found = json[at] === OPEN_LIST ? listEntries(json, at) : undefined;
    at = skipSeparator(json, end);
  }
  return found;
}

function listEntries(json: Uint8Array, start: number): ByteRange[] {
  const entries: ByteRange[] = [];
  let at = skipSpace(json, start + 1);
  while (at < json.length && json[at] !== CLOSE_LIST) {
    const seen = { depth: 0 };
    const end = skipValue(json, at, seen);
    entries.push({ start: at, end, depth: seen.depth });
    at = skipSeparator(json, end);
  }
  return entries;
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
  let at = from + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
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

/** Change of the nesting that a byte outside strings makes. */
const DEPTH_CHANGE = new Int8Array(256);
DEPTH_CHANGE[OPEN_OBJECT] = DEPTH_CHANGE[OPEN_LIST] = 1;
DEPTH_CHANGE[CLOSE_OBJECT] = DEPTH_CHANGE[CLOSE_LIST] = -1;

/** The hot loop of the intake: strings are skipped in place. */
function skipNested(json: Uint8Array, from: number, seen: Seen): number {
  const length = json.length;
  let depth = 1;
  let deepest = 1;
  let at = from + 1;
  while (at < length && depth > 0) {
    const byte = json[at++] as number;
    if (byte !== QUOTE) {
      depth += DEPTH_CHANGE[byte] as number;
      if (depth > deepest) deepest = depth;
      continue;
    }
    let inside = json[at] as number;
    while (at < length && inside !== QUOTE) {
      at += inside === BACKSLASH ? 2 : 1;
      inside = json[at] as number;
    }
    at++;
  }
  seen.depth = deepest;
  return at;
}
