import { Code } from "@connectrpc/connect";
import { SubmissionState } from "../../gen/infobip/messages/v1/submission_pb.js";
import { ensureServiceError, ServiceError } from "../errors.ts";

const NOT_SENT = { outcome: "NOT_SENT" };

/** The error for a name under which nothing is kept. */
export function submissionUnknown(): ServiceError {
  return new ServiceError(
    Code.NotFound,
    "SUBMISSION_UNKNOWN",
    "there is no such submission: check the name; those that are done are kept for submissions.retention of the service",
  );
}

/** The error for a request id that stands for other contents. */
export function requestIdReused(): ServiceError {
  return new ServiceError(
    Code.AlreadyExists,
    "REQUEST_ID_REUSED",
    "this request_id names a submission with other contents; nothing was accepted; repeat a submission unchanged, or give this one a request_id of its own",
    { metadata: NOT_SENT },
  );
}

/** The error for a submission that can no longer be cancelled. */
export function notCancellable(state: SubmissionState): ServiceError {
  const name = SubmissionState[state];
  return new ServiceError(
    Code.FailedPrecondition,
    "SUBMISSION_NOT_CANCELLABLE",
    state === SubmissionState.QUEUED || state === SubmissionState.SENDING
      ? "the submission is being sent; watch its state"
      : `the submission is done: ${name}`,
    { metadata: { state: name } },
  );
}

/** The error for an outbox that holds as much as it may. */
export function outboxFull(what: "submissions.max_waiting" | "submissions.max_bytes"): ServiceError {
  const advice =
    what === "submissions.max_waiting"
      ? "submit again later, or ask the operator of this service whether sending works"
      : "submit again later, or ask the operator of this service to raise it or to shorten submissions.retention";
  return new ServiceError(
    Code.ResourceExhausted,
    "OUTBOX_FULL",
    `the outbox holds as much as ${what} allows; nothing was accepted; ${advice}`,
    { metadata: { ...NOT_SENT, limit: what } },
  );
}

/** The error for more submissions at a time than the store can take. */
export function outboxOverloaded(): ServiceError {
  return new ServiceError(
    Code.ResourceExhausted,
    "OVERLOADED",
    "too many submissions wait to be stored; nothing was accepted; submit less at a time",
    { metadata: NOT_SENT },
  );
}

/** The error for an outbox that is about to close. */
export function outboxDraining(): ServiceError {
  return new ServiceError(
    Code.Unavailable,
    "DRAINING",
    "this instance is shutting down; nothing was sent; try again when it is back, or another one",
    { metadata: NOT_SENT },
  );
}

/** The error for a submission that was cancelled or has expired before its turn came. */
export function withdrawn(): ServiceError {
  return new ServiceError(Code.Canceled, "CANCELLED", "the submission was withdrawn before it was sent", {
    metadata: NOT_SENT,
  });
}

/** The error for a submission whose expire_after passed before its request could leave. */
export function tooLate(): ServiceError {
  return new ServiceError(
    Code.DeadlineExceeded,
    "DEADLINE_EXCEEDED",
    "expire_after passed before the submission was sent",
    { metadata: NOT_SENT },
  );
}

/** The error for a request that did not leave because its state could not be stored. */
export function notStored(cause: unknown): ServiceError {
  const { code, reason, message } = ensureServiceError(cause);
  return new ServiceError(code, reason, message, { metadata: NOT_SENT, cause });
}

/** The error that stands for a request of which a stopped process does not know what became. */
export function interrupted(): ServiceError {
  return new ServiceError(
    Code.Unknown,
    "SEND_OUTCOME_UNKNOWN",
    "the service stopped while the request was under way, so the messages may or may not have been sent; look for their reports by message id",
    { metadata: { outcome: "UNKNOWN" } },
  );
}

/** The error that stands for an answer that names none of the messages. */
export function unanswered(): ServiceError {
  return new ServiceError(
    Code.Unknown,
    "SEND_OUTCOME_UNKNOWN",
    "Infobip's answer says of no message whether it was accepted; look for their reports by message id",
    { metadata: { outcome: "UNKNOWN" } },
  );
}

/** The error for a stored request that cannot be read. */
export function unreadable(cause: unknown): ServiceError {
  return new ServiceError(
    Code.Internal,
    "INTERNAL",
    "the stored request cannot be read; nothing was sent; submit it again under another request_id",
    { metadata: NOT_SENT, cause },
  );
}
