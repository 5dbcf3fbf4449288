import { Code } from "@connectrpc/connect";
import { type Reason, ServiceError } from "../errors.ts";
import { listUnknownMessages } from "../infobip/unknown-messages.ts";
import { callEnded } from "../rpc/call-ended.ts";

const NOT_SENT = { outcome: "NOT_SENT" } as const;

/** The request id names a call with other contents. */
export function requestIdReused(): ServiceError {
  return new ServiceError(
    Code.AlreadyExists,
    "REQUEST_ID_REUSED",
    "request_id was used for a call with other contents; nothing was sent by this call; give each thing to send an id of its own, and repeat a call only as it was",
    { metadata: NOT_SENT },
  );
}

/** No further answer could be kept, so a repeat of the call could not be recognised. */
export function requestIdsFull(): ServiceError {
  return new ServiceError(
    Code.ResourceExhausted,
    "REQUEST_IDS_FULL",
    "the store of answers to calls with a request_id is full; nothing was sent; try again later, and ask the operator of this service to raise sending.request_id_bytes",
    { metadata: NOT_SENT },
  );
}

/** Too many calls with request ids are under way. */
export function tooManyOpen(): ServiceError {
  return new ServiceError(
    Code.ResourceExhausted,
    "OVERLOADED",
    "too many calls with a request_id are under way; nothing was sent; send less at a time",
    { metadata: NOT_SENT },
  );
}

/** Too many calls wait for another one with the same request id, whose messages may be on their way. */
export function tooManyRepeats(messageIds: readonly string[]): ServiceError {
  return new ServiceError(
    Code.ResourceExhausted,
    "OVERLOADED",
    "too many calls repeat others that are still under way; wait before you repeat this one with the same request_id",
    { metadata: { outcome: "UNKNOWN", ...listUnknownMessages(messageIds) } },
  );
}

/** A call was ended from its own side before anything was sent for it. */
export function endedUnsent(signal: AbortSignal): ServiceError {
  const { code } = callEnded(signal);
  return new ServiceError(
    code,
    REASONS.get(code) ?? "CANCELLED",
    "the call ended before its messages were handed on; nothing was sent; repeat it with the same request_id",
    { metadata: NOT_SENT },
  );
}

/** A call was ended from its own side while its messages were being sent for it or for a repeat of it. */
export function endedMaybeSent(signal: AbortSignal, messageIds: readonly string[]): ServiceError {
  const { code } = callEnded(signal);
  return new ServiceError(
    // Generic clients repeat UNAVAILABLE by themselves.
    code === Code.Unavailable ? Code.Unknown : code,
    "SEND_OUTCOME_UNKNOWN",
    "the call ended while its messages were being sent, so they may or may not have been; repeat it with the same request_id to learn it",
    { metadata: { outcome: "UNKNOWN", ...listUnknownMessages(messageIds) } },
  );
}

/**
 * Why an attempt ends that all callers have left, by what ended the last of
 * them. Never the service's own reason: an attempt that ended by this one is
 * known by its code, see {@link isEndedByCallers}.
 */
export function endOfAttempt(signal: AbortSignal): ServiceError {
  return callEnded(signal).code === Code.DeadlineExceeded
    ? new ServiceError(Code.DeadlineExceeded, "DEADLINE_EXCEEDED", "the deadline of the last caller passed")
    : new ServiceError(Code.Canceled, "CANCELLED", "all callers have left");
}

/** Whether an attempt that had left ended by {@link endOfAttempt}, so that its answer can follow, and not by a fault. */
export function isEndedByCallers(error: unknown): boolean {
  return (
    error instanceof ServiceError &&
    error.metadata.outcome === "UNKNOWN" &&
    (error.code === Code.Canceled || error.code === Code.DeadlineExceeded)
  );
}

/** What the caller is told whose leaving has ended an attempt: how the attempt ended, and that the service ended the call if it did. */
export function errorOfLeaver(signal: AbortSignal, error: unknown): unknown {
  if (!(error instanceof ServiceError) || callEnded(signal).code !== Code.Unavailable) return error;
  const isUnsent = error.metadata.outcome === "NOT_SENT";
  return new ServiceError(
    // Generic clients repeat UNAVAILABLE by themselves.
    isUnsent ? Code.Unavailable : Code.Unknown,
    isUnsent ? "DRAINING" : "SEND_OUTCOME_UNKNOWN",
    `this instance is stopping; ${error.message}`,
    { metadata: error.metadata },
  );
}

/** The error with `outcome` NOT_SENT where it says nothing of the outcome; what is no ServiceError as it is. */
export function asUnsent(error: unknown): unknown {
  if (!(error instanceof ServiceError) || error.metadata.outcome !== undefined) return error;
  const { code, reason, message, domain, metadata, violations, retryDelayMs, cause } = error;
  return new ServiceError(code, reason, message, {
    domain,
    metadata: { ...metadata, ...NOT_SENT },
    violations,
    ...(retryDelayMs === undefined ? {} : { retryDelayMs }),
    cause,
  });
}

const REASONS: ReadonlyMap<Code, Reason> = new Map<Code, Reason>([
  [Code.Unavailable, "DRAINING"],
  [Code.DeadlineExceeded, "DEADLINE_EXCEEDED"],
]);
