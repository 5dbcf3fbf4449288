import { findResultRanges } from "./json-result-ranges.ts";
import { MAX_ITEM_DEPTH, MAX_RESULTS, ReportBodyError, type ReportItem } from "./report-item.ts";

/**
 * Reads a JSON report body into its entries, each with the bytes it came as.
 * Bytes that are no UTF-8 become U+FFFD in the values and stay in the raw
 * bytes. A list, or an object without a list `results`, is one opaque entry.
 * Throws {@link ReportBodyError} only.
 */
export function decodeJsonReport(body: Uint8Array): ReportItem[] {
  const parsed = parse(body);
  const results = Array.isArray(parsed) ? undefined : (parsed as { results?: unknown }).results;
  if (!Array.isArray(results)) return [{ value: parsed, raw: body, isOpaque: true }];
  if (results.length > MAX_RESULTS) throw new ReportBodyError("TOO_MANY_RESULTS");
  const ranges = findResultRanges(body);
  // The two readings of one body always agree; were they ever not to, no entry may get another's bytes.
  if (ranges?.length !== results.length) return [{ value: undefined, raw: body, isOpaque: true }];
  return ranges.map(({ start, end, depth }, index) => ({
    value: results[index],
    raw: body.subarray(start, end),
    isOpaque: depth > MAX_ITEM_DEPTH,
  }));
}

/**
 * As {@link decodeJsonReport}, but a list's entries are the entries, and an
 * object without a list `results` is one. The raw bytes are of a copy: what
 * comes like this is small.
 */
export function decodeBareJsonReport(body: Uint8Array): ReportItem[] {
  const parsed = parse(body);
  const isList = Array.isArray(parsed);
  if (!isList && Array.isArray((parsed as { results?: unknown }).results)) return decodeJsonReport(body);
  const [head, tail] = isList ? ['{"results":', "}"] : ['{"results":[', "]}"];
  return decodeJsonReport(Buffer.concat([Buffer.from(head), body, Buffer.from(tail)]));
}

function parse(body: Uint8Array): object {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8"));
  } catch {
    throw new ReportBodyError("NOT_JSON");
  }
  if (typeof parsed !== "object" || parsed === null) throw new ReportBodyError("NOT_A_REPORT");
  return parsed;
}
