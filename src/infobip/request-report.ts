import type { CallFailure } from "./call-failure.ts";
import type { HttpAnswer } from "./exchange.ts";

/** One request to Infobip that has ended, for metrics. Holds no query, body or headers. */
export interface RequestEnd {
  readonly method: "GET" | "POST";
  readonly host: string;
  readonly port: string;
  /** Path of the endpoint, without the base URL's prefix and without a query: of a closed set. */
  readonly path: string;
  /** Undefined when there was no answer. */
  readonly status: number | undefined;
  /** The status from 400 on, or what went wrong as one word: a fault's code, who ended the request, or how far it had come. */
  readonly errorType: string | undefined;
  /** From when it was handed to the connections until the answer was complete. */
  readonly durationMs: number;
}

/** Is told of each request, once. Must not throw. */
export type RequestObserver = (end: RequestEnd) => void;

/** Lowest status of an error. */
const FIRST_ERROR_STATUS = 400;

/** What the answer, or the lack of one, means for metrics. */
export function endOfRequest(ended: HttpAnswer | CallFailure): Pick<RequestEnd, "status" | "errorType"> {
  if (ended instanceof Error) return { status: undefined, errorType: wordOf(ended) };
  const { status, incomplete } = ended;
  if (status >= FIRST_ERROR_STATUS) return { status, errorType: String(status) };
  return { status, errorType: incomplete && wordOf(incomplete) };
}

function wordOf({ faultCode, stop, phase }: CallFailure): string {
  return faultCode || stop?.kind || phase;
}
