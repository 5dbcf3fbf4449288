import type { XMLParser } from "fast-xml-parser";
import { DeliveryResultSchema } from "../../../gen/infobip/events/v1/delivery_report_pb.js";
import { loadXmlParser } from "./load-xml-parser.ts";
import { MAX_RESULTS, ReportBodyError, type ReportItem } from "./report-item.ts";
import { inertEntities } from "./xml-entities.ts";
import { decodeXmlItem } from "./xml-item.ts";

/** Deepest nesting of elements around the reports; the known shapes need 3. */
const MAX_NESTED_TAGS = 32;
/** Tags for which each report is good; one with all its elements has 60. */
const TAGS_PER_REPORT = 256;
/** Longest report that is read; the callback data of one is 4,000 characters at most. Longer ones are unparsed. */
const MAX_XML_ITEM_CHARS = 256 * 1024;
/** Tags that a body may have beyond those of its reports. */
const SPARE_TAGS = 20_000;

/**
 * Finds the reports and leaves each as text, so that a report that is broken
 * inside spoils only itself. The shapes are
 * MessagesApiDeliveryReportResponse/results/results and
 * DeliveryReports/results/result; the name of the root does not matter.
 */
const OPTIONS = {
  parseTagValue: false,
  ignoreAttributes: true,
  trimValues: false,
  preserveOrder: true,
  captureMetaData: true,
  maxNestedTags: MAX_NESTED_TAGS,
  stopNodes: ["*.results.results", "*.results.result"],
  entityDecoder: inertEntities,
};

let parser: XMLParser | undefined;

/** A node as the parser gives it: one member named after the element, and its position. */
type Node = Record<string | symbol, unknown>;

/**
 * Reads an XML delivery report body into its reports, each with its element's
 * text as it came. Document type declarations are without effect. A document
 * without a list of reports is one opaque entry. Throws
 * {@link ReportBodyError} only.
 */
export function decodeXmlReport(body: Uint8Array): ReportItem[] {
  requireModestTags(body);
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  const root = parse(text).find((node) => childName(node) !== undefined);
  // The parser does not mind a document that breaks off.
  if (root === undefined || endOf(root) === undefined) throw new ReportBodyError("NOT_XML");
  const lists = children(root).filter((node) => "results" in node);
  const elements = lists.flatMap((list) => children(list).filter((node) => childName(node) !== undefined));
  if (elements.length > MAX_RESULTS) throw new ReportBodyError("TOO_MANY_RESULTS");
  if (elements.length === 0 && !isEmptyList(lists)) return [{ value: undefined, raw: body, isOpaque: true }];
  return elements.map((element) => new XmlReportItem(text, element));
}

/** Counts before parsing, which costs far more: hostile bodies are refused for the price of one scan. */
function requireModestTags(body: Uint8Array): void {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  // The list itself opens one more.
  const reports = count(bytes, "<result", MAX_RESULTS + 1);
  if (reports > MAX_RESULTS + 1) throw new ReportBodyError("TOO_MANY_RESULTS");
  const most = SPARE_TAGS + reports * TAGS_PER_REPORT;
  if (count(bytes, "<", most) > most) throw new ReportBodyError("TOO_MANY_TAGS");
}

/** How often a text occurs; stops one past `most`. */
function count(bytes: Buffer, text: string, most: number): number {
  let found = 0;
  for (let at = bytes.indexOf(text); at >= 0 && found <= most; at = bytes.indexOf(text, at + text.length))
    found++;
  return found;
}

function isEmptyList(lists: readonly Node[]): boolean {
  const hasText = (node: Node): boolean => typeof node["#text"] === "string" && node["#text"].trim() !== "";
  return lists.length > 0 && !lists.some((list) => children(list).some(hasText));
}

function parse(text: string): Node[] {
  parser ??= new (loadXmlParser())(OPTIONS);
  try {
    return parser.parse(text) as Node[];
  } catch {
    throw new ReportBodyError("NOT_XML");
  }
}

/** A report that is read only when its value is asked for, so that not all of a large body are read in one go. */
class XmlReportItem implements ReportItem {
  readonly raw: Uint8Array;
  readonly #decode: () => unknown;
  #value: { readonly decoded: unknown } | undefined;

  constructor(text: string, element: Node) {
    const raw = text.slice(positionOf(element)?.startIndex ?? 0, endOf(element));
    this.raw = Buffer.from(raw, "utf8");
    this.#decode = () =>
      isReport(element) && raw.length <= MAX_XML_ITEM_CHARS
        ? decodeXmlItem(raw, DeliveryResultSchema)
        : undefined;
  }

  get value(): unknown {
    this.#value ??= { decoded: this.#decode() };
    return this.#value.decoded;
  }
}

function endOf(node: Node): number | undefined {
  return positionOf(node)?.endIndex;
}

function positionOf(node: Node): { startIndex?: number; endIndex?: number } | undefined {
  return node[loadXmlParser().getMetaDataSymbol() as unknown as symbol] as ReturnType<typeof positionOf>;
}

/** Name of an element; undefined for text and processing instructions. */
function childName(node: Node): string | undefined {
  const name = Object.keys(node)[0];
  return name === undefined || name.startsWith("#") || name.startsWith("?") ? undefined : name;
}

function children(node: Node): Node[] {
  const list = node[childName(node) ?? ""];
  return Array.isArray(list) ? (list as Node[]) : [];
}

function isReport(node: Node): boolean {
  return "results" in node || "result" in node;
}
