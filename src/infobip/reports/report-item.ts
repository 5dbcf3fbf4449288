/** One entry of the `results` list of a report body, or the whole of a body that has no such list. */
export interface ReportItem {
  /** The entry as JSON.parse would give it; undefined when it cannot be read at all. */
  readonly value: unknown;
  /** The entry as it stood in the body: its JSON text, or its XML element. May share memory with the body. */
  readonly raw: Uint8Array;
  /** It is to be kept as it came and taken for no report, whatever its value says. */
  readonly isOpaque?: boolean;
}

/** Deepest nesting of an entry that is read; the contract needs 12. Deeper ones are opaque. */
export const MAX_ITEM_DEPTH = 64;

/** Most entries taken from one body. Infobip sends at most 2,000. */
export const MAX_RESULTS = 10_000;

/** Why a body as a whole cannot be taken. */
export type ReportBodyProblem =
  | "EMPTY"
  | "NOT_JSON"
  | "NOT_XML"
  | "XML_NOT_ACCEPTED"
  | "NOT_A_REPORT"
  | "TOO_MANY_RESULTS"
  | "TOO_MANY_TAGS";

const TEXTS: Readonly<Record<ReportBodyProblem, string>> = {
  EMPTY: "the body is empty",
  NOT_JSON: "the body is not JSON",
  NOT_XML: "the body is not XML",
  XML_NOT_ACCEPTED: "only delivery reports may be XML; send JSON here",
  NOT_A_REPORT: "the body is neither a JSON object or list nor XML",
  TOO_MANY_RESULTS: `the list results has more than ${MAX_RESULTS} entries`,
  TOO_MANY_TAGS: "the body has more XML tags than its reports can need",
};

/** A body that cannot be taken as a whole. Its text never holds anything of the body. */
export class ReportBodyError extends Error {
  override readonly name = "ReportBodyError";
  readonly problem: ReportBodyProblem;

  constructor(problem: ReportBodyProblem) {
    super(TEXTS[problem]);
    this.problem = problem;
  }
}
