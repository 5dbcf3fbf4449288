import { decodeBareJsonReport, decodeJsonReport } from "./json-report.ts";
import { ReportBodyError, type ReportItem } from "./report-item.ts";
import { decodeXmlReport } from "./xml-report.ts";

const LESS_THAN = 0x3c;
const SPACE = 0x20;
const UTF8_MARK = [0xef, 0xbb, 0xbf];

/** How a body may be read. */
export interface ReportBodyOptions {
  /** Whether XML is taken: Infobip writes delivery reports so on request, nothing else. */
  readonly xml: boolean;
  /** Whether the body may be one entry, or a list of entries, without `results` around it: Infobip writes clicks so. */
  readonly bare?: boolean;
}

/**
 * Reads a report body into its entries. JSON and XML are told apart by the
 * first byte, which no JSON shares with any XML, so a wrong content type does
 * no harm. Throws {@link ReportBodyError} only, and only for the body as a
 * whole: an entry that makes no sense is an entry still.
 */
export function decodeReportBody(body: Uint8Array, options: ReportBodyOptions): ReportItem[] {
  const text = withoutByteOrderMark(body);
  const first = text.find((byte) => byte > SPACE);
  if (first === undefined) throw new ReportBodyError("EMPTY");
  if (first !== LESS_THAN) return options.bare ? decodeBareJsonReport(text) : decodeJsonReport(text);
  if (!options.xml) throw new ReportBodyError("XML_NOT_ACCEPTED");
  return decodeXmlReport(text);
}

function withoutByteOrderMark(body: Uint8Array): Uint8Array {
  return UTF8_MARK.every((byte, index) => body[index] === byte) ? body.subarray(UTF8_MARK.length) : body;
}
