import type {
  SendMessagesRequest,
  SendMessagesResponse,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type {
  Submission,
  SubmissionState,
  UnknownOutcomePolicy,
} from "../../gen/infobip/messages/v1/submission_pb.js";
import type { ServiceError } from "../errors.ts";
import type { TraceContext } from "../rpc/trace-context.ts";

/** Messages to take into the outbox. */
export interface NewSubmission {
  readonly requestId: string;
  /** Tells whether a repeat has the same contents. 32 bytes, over everything the submitter gave. */
  readonly payloadHash: Uint8Array;
  /** As it will leave: with defaults and message ids filled in. */
  readonly request: SendMessagesRequest;
  /** Id of each destination, in the order of the request. */
  readonly messageIds: readonly string[];
  readonly policy: UnknownOutcomePolicy;
  /** Unix milliseconds; 0: at once. */
  readonly sendAfterMs: number;
  /** Unix milliseconds; 0: the outbox's own longest age. */
  readonly expireAfterMs: number;
  /** Where the submitting call stands in a trace. Kept until the submission is done; a repeat does not change it. */
  readonly trace?: TraceContext | undefined;
}

/** Which submissions to list. */
export interface SubmissionListQuery {
  readonly pageSize: number;
  /** Only submissions older than the one with this number; undefined: from the newest on. */
  readonly before: number | undefined;
  readonly states: readonly SubmissionState[];
}

/** One page, newest first. */
export interface SubmissionList {
  readonly submissions: readonly Submission[];
  /** For the next page; undefined on the last. */
  readonly before: number | undefined;
}

/**
 * The durable outbox. What submit() has confirmed is sent, rejected, cancelled
 * or expired in the end, or parked as OUTCOME_UNKNOWN, whatever happens to the
 * process in between.
 */
export interface Outbox extends AsyncDisposable {
  /**
   * Resolves once the submission is durable, with the submission as it is; so
   * does a repeat. Rejects with ServiceError REQUEST_ID_REUSED, OUTBOX_FULL,
   * OVERLOADED, DRAINING or LOG_UNAVAILABLE.
   */
  submit(submission: NewSubmission): Promise<Submission>;
  /** Rejects with ServiceError SUBMISSION_UNKNOWN or LOG_UNAVAILABLE. */
  get(requestId: string): Promise<Submission>;
  list(query: SubmissionListQuery): Promise<SubmissionList>;
  /** Rejects with ServiceError SUBMISSION_UNKNOWN, SUBMISSION_NOT_CANCELLABLE or LOG_UNAVAILABLE. */
  cancel(requestId: string): Promise<Submission>;
  /** Starts no further request and waits for those under way, at most `graceMs`. What is submitted from then on waits for the next start. */
  drain(graceMs: number): Promise<void>;
}

/** Bounds of one send of a submission. */
export interface SubmissionSendOptions {
  /** Ends the wait as SendJob.signal does. */
  readonly signal: AbortSignal;
  /** Milliseconds until the submission expires. */
  readonly timeoutMs: number;
  /** Whether it may share a request with other submissions. */
  readonly coalesce: boolean;
  /** Where the submitting call, which has ended, stood in a trace. */
  readonly trace?: TraceContext | undefined;
  /** Awaited right before the request leaves: makes SENDING durable. */
  readonly beforeSend: () => Promise<void>;
  /** What became of it after the signal had ended the wait. */
  readonly onLate: (outcome: SendMessagesResponse | ServiceError) => void;
}

/**
 * Sends a stored request and records its results; given by the composition
 * root. Rejects with ServiceError, whose metadata `outcome` tells what is known.
 */
export type SendSubmission = (
  request: SendMessagesRequest,
  options: SubmissionSendOptions,
) => Promise<SendMessagesResponse>;
