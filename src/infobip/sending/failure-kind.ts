import type { ServiceError } from "../../errors.ts";

/** What a failed request says of Infobip's state. NOTHING: it failed on this side. */
export type SignOf = "LIFE" | "FAILURE" | "NOTHING";

/** Reasons of requests that Infobip did not answer. */
const UNANSWERED: ReadonlySet<string> = new Set([
  "UPSTREAM_UNREACHABLE",
  "UPSTREAM_FAILED",
  "SEND_OUTCOME_UNKNOWN",
]);

/** Reads what a failed request says of Infobip's state. A refusal is a sign of life. */
export function signOf({ reason, metadata }: ServiceError): SignOf {
  const status = statusOf(metadata);
  if (status !== undefined) return status >= 500 ? "FAILURE" : "LIFE";
  return UNANSWERED.has(reason) ? "FAILURE" : "NOTHING";
}

/** Whether Infobip refused the contents, so that in a request with several jobs one of them is to blame. */
export function isRefusedForContents({ reason, metadata }: ServiceError): boolean {
  return isUnsent(metadata) && (reason === "UPSTREAM_REJECTED" || reason === "REQUEST_TOO_LARGE");
}

/** Whether Infobip asked to be left alone for a time: 429. */
export function isRateLimited({ reason }: ServiceError): boolean {
  return reason === "UPSTREAM_RATE_LIMITED";
}

/** Whether the same request may be made again: it is proved that nothing was sent, and another time may do better. */
export function isRepeatable(error: ServiceError): boolean {
  if (!isUnsent(error.metadata)) return false;
  return error.reason === "UPSTREAM_UNREACHABLE" || isRateLimited(error) || statusOf(error.metadata) === 503;
}

/** Whether nothing of the request has reached Infobip. */
export function isUnreachable({ reason }: ServiceError): boolean {
  return reason === "UPSTREAM_UNREACHABLE";
}

/** Whether the error proves that nothing was sent. */
export function isUnsent(metadata: ServiceError["metadata"]): boolean {
  return metadata.outcome === "NOT_SENT";
}

function statusOf(metadata: ServiceError["metadata"]): number | undefined {
  return metadata.http_status === undefined ? undefined : Number(metadata.http_status);
}
