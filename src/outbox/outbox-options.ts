import type { SubmissionState } from "../../gen/infobip/messages/v1/submission_pb.js";
import type { ServiceError } from "../errors.ts";
import type { SubmissionStore } from "../eventlog/submission-store.ts";
import type { ClockTimer } from "../timer.ts";
import type { SendSubmission } from "./outbox.ts";

/** Default of {@link OutboxLimits.concurrency}. */
export const DEFAULT_CONCURRENCY = 1_000;
/** Default of {@link OutboxLimits.concurrencyBytes}. */
export const DEFAULT_CONCURRENCY_BYTES = 32 * 1024 * 1024;

/** Bounds of the outbox. */
export interface OutboxLimits {
  /** Most submissions that are QUEUED or SENDING. */
  readonly maxWaiting: number;
  /** Most bytes of all submissions that are kept, those that are done included. */
  readonly maxBytes: number;
  /** How long a submission waits at most where its submitter said nothing, in milliseconds from when it could be sent first. */
  readonly maxAgeMs: number;
  /** How long a submission is kept once it is done, in milliseconds. */
  readonly retentionMs: number;
  /** Most submissions that are handed over for sending at one time; as many again are held in memory. */
  readonly concurrency?: number;
  /** Most bytes of the requests of each of the two; a larger one goes alone. */
  readonly concurrencyBytes?: number;
}

/** A change of a submission's state that is durable. */
export interface SubmissionReport {
  readonly state: SubmissionState;
  readonly attempts: number;
  /** Milliseconds since it was accepted. */
  readonly ageMs: number;
}

/** Told of what happens. Must not throw. */
export interface OutboxHooks {
  readonly onChange?: (report: SubmissionReport) => void;
  /** Sending is held back as a whole for a time in milliseconds, by an error that is not about a submission. */
  readonly onHeld?: (error: ServiceError, holdMs: number) => void;
  /** Sending works again after it was held back. */
  readonly onResumed?: () => void;
  /** The store failed; what it was asked is repeated. */
  readonly onTrouble?: (error: ServiceError) => void;
  /** A fault of this service. */
  readonly onInternalError?: (error: unknown) => void;
}

/** What the outbox works with. */
export interface OutboxOptions {
  readonly store: SubmissionStore;
  readonly send: SendSubmission;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly timer: ClockTimer;
  /** From 0 to 1, 1 excluded. */
  readonly random: () => number;
  readonly limits: OutboxLimits;
  readonly hooks?: OutboxHooks;
}

/** For metrics. */
export interface OutboxState {
  /** Submissions by state, as they are stored. */
  readonly byState: ReadonlyMap<SubmissionState, number>;
  /** Bytes of all submissions that are kept. */
  readonly bytes: number;
  /** Submissions handed over for sending. */
  readonly inFlight: number;
  /** Milliseconds for which sending is still held back as a whole; 0 when it is not. */
  readonly heldMs: number;
}
