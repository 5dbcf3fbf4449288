import type { SubmissionRecord } from "../submission-store.ts";
import type { DeadLetterRecord } from "../subscription-engine.ts";

/** An event of the log. */
export interface TransferredEvent {
  readonly kind: "event";
  readonly sequence: number;
  /** Unix milliseconds. */
  readonly recordTimeMs: number;
  /** The event as it came to the log, and whether it is superseded there; see packed-event.ts. */
  readonly packed: Uint8Array;
}

/** A subscription. */
export interface TransferredSubscription {
  readonly kind: "subscription";
  readonly id: string;
  /** In the encoding of embedded/subscriptions/subscription-state.ts. */
  readonly state: Uint8Array;
}

/** A dead letter of the subscription before it. Its event has no fingerprint: eight zeros stand for it. */
export interface TransferredDeadLetter extends Omit<TransferredEvent, "kind"> {
  readonly kind: "deadLetter";
  readonly subscriptionId: string;
  readonly attempts: number;
  /** Unix milliseconds. */
  readonly deadTimeMs: number;
  readonly failure: DeadLetterRecord["lastFailure"];
  readonly redriven: boolean;
}

/** A submission. */
export interface TransferredSubmission {
  readonly kind: "submission";
  readonly record: SubmissionRecord;
}

/** The first answer to calls with a request id. */
export interface TransferredAnswer {
  readonly kind: "answer";
  readonly requestId: string;
  /** When it was given, Unix milliseconds. */
  readonly saveTimeMs: number;
  readonly payloadHash: Uint8Array;
  readonly response: Uint8Array;
}

/** One thing that a log holds. Bytes that were read are views into the frame that they came in. */
export type TransferItem =
  | TransferredEvent
  | TransferredSubscription
  | TransferredDeadLetter
  | TransferredSubmission
  | TransferredAnswer;
