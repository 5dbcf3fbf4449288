import { type SendMessagesResponse, SendOutcome } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { SubmissionState, UnknownOutcomePolicy } from "../../gen/infobip/messages/v1/submission_pb.js";
import type { Reason, ServiceError } from "../errors.ts";
import type { SubmissionRecord } from "../eventlog/submission-store.ts";
import { retryDelayMs } from "../infobip/sending/retry-delay.ts";
import { toLastError } from "./last-error.ts";
import { unanswered } from "./outbox-errors.ts";
import type { StoredOutcome } from "./stored-outcome.ts";

/** Bound of the random part of the wait after a first failure, in milliseconds. Doubles with each. */
const RETRY_BASE_MS = 1_000;
/** Longest random part, in milliseconds. */
const RETRY_CAP_MS = 60_000;

/** What becomes of a submission. */
export interface Verdict {
  readonly state: SubmissionState;
  readonly outcome: StoredOutcome;
  /** When it is to be tried again, Unix milliseconds; 0 when it is done. */
  readonly dueTimeMs: number;
  /** Machine reason of the error that led to it. */
  readonly errorReason: string | undefined;
}

/** What is known when a submission is judged. */
export interface VerdictContext {
  /** Unix milliseconds. */
  readonly nowMs: number;
  readonly random: () => number;
}

type Judged = Pick<SubmissionRecord, "policy" | "expireAfterMs" | "dueTimeMs">;

/** Infobip will refuse the request whenever it comes. */
const REFUSALS: ReadonlySet<Reason> = new Set<Reason>([
  "UPSTREAM_REJECTED",
  "REQUEST_TOO_LARGE",
  "REQUEST_INVALID",
]);

/** Whether an error says that Infobip refused what was sent. */
export function isRefusal(error: ServiceError): boolean {
  return REFUSALS.has(error.reason) && error.metadata.outcome === "NOT_SENT";
}

/** What becomes of a submission that Infobip has answered. */
export function judgeAnswer(
  record: Judged,
  before: StoredOutcome,
  response: SendMessagesResponse,
  context: VerdictContext,
): Verdict {
  const { bulkId, results } = response;
  const outcome = { ...before, bulkId, results, lastError: undefined };
  const has = (wanted: SendOutcome): boolean => results.some(({ outcome }) => outcome === wanted);
  if (has(SendOutcome.SENT)) return done(SubmissionState.ACCEPTED, outcome);
  if (has(SendOutcome.NOT_SENT) && !has(SendOutcome.UNKNOWN)) return done(SubmissionState.REJECTED, outcome);
  return judgeUnknown(record, outcome, unanswered(), context);
}

/** What becomes of a submission whose attempt ended with an error. `hasBegun`: it was SENDING. */
export function judgeError(
  record: Judged,
  before: StoredOutcome,
  error: ServiceError,
  hasBegun: boolean,
  context: VerdictContext,
): Verdict {
  const told = error.metadata.outcome;
  const isUnsent = told === "NOT_SENT" || (told !== "UNKNOWN" && !hasBegun);
  if (!isUnsent) return judgeUnknown(record, before, error, context);
  if (isRefusal(error)) return judgeRefusal(before, error);
  const outcome = failed(before, error, "NOT_SENT");
  if (context.nowMs >= record.expireAfterMs)
    return { ...judgeEnd("EXPIRED", outcome), errorReason: error.reason };
  return again(outcome, error, context);
}

/** What becomes of a submission that cannot be sent by itself. */
export function judgeRefusal(before: StoredOutcome, error: ServiceError): Verdict {
  // An earlier attempt may have been taken all the same: then nobody can say that nothing was sent.
  const state = before.mayHaveLeft ? SubmissionState.OUTCOME_UNKNOWN : SubmissionState.REJECTED;
  return done(state, failed(before, error, "NOT_SENT"), error.reason);
}

/** What becomes of a submission that ends while it waits. One that may have been sent is neither cancelled nor expired in time. */
export function judgeEnd(how: "CANCELLED" | "EXPIRED", outcome: StoredOutcome): Verdict {
  return done(outcome.mayHaveLeft ? SubmissionState.OUTCOME_UNKNOWN : SubmissionState[how], outcome);
}

/** What becomes of a submission whose request has left and of which nothing is known. */
export function judgeUnknown(
  record: Judged,
  before: StoredOutcome,
  error: ServiceError,
  context: VerdictContext,
): Verdict {
  const outcome = { ...failed(before, error, "UNKNOWN"), mayHaveLeft: true };
  const isRepeated = record.policy === UnknownOutcomePolicy.AT_LEAST_ONCE;
  if (isRepeated && context.nowMs < record.expireAfterMs) return again(outcome, error, context);
  return done(SubmissionState.OUTCOME_UNKNOWN, outcome, error.reason);
}

function again(outcome: StoredOutcome, error: ServiceError, { nowMs, random }: VerdictContext): Verdict {
  return {
    state: SubmissionState.QUEUED,
    outcome,
    dueTimeMs: nowMs + waitMs(outcome.failures, error.retryDelayMs, random),
    errorReason: error.reason,
  };
}

function failed(before: StoredOutcome, error: ServiceError, sent: "NOT_SENT" | "UNKNOWN"): StoredOutcome {
  return { ...before, lastError: toLastError(error, sent), failures: before.failures + 1 };
}

function done(state: SubmissionState, outcome: StoredOutcome, errorReason?: string): Verdict {
  return { state, outcome, dueTimeMs: 0, errorReason };
}

/** Wait before a submission is tried again: those that failed together do not come back together. */
function waitMs(failures: number, retryAfterMs: number | undefined, random: () => number): number {
  const attempt = Math.max(1, failures);
  return Math.ceil(
    retryDelayMs({ attempt, retryAfterMs, random, baseMs: RETRY_BASE_MS, capMs: RETRY_CAP_MS }),
  );
}
