import type { SubmissionState, UnknownOutcomePolicy } from "../../gen/infobip/messages/v1/submission_pb.js";
import type { NewEvent } from "./event-log.ts";

/** Bytes of `outcome` that a record in a list has at most. */
export const LIST_OUTCOME_BYTES = 64 * 1024;
/** A page ends with the record whose outcome passes this many bytes. */
export const MAX_LIST_BYTES = 4 * 1024 * 1024;

/** A submission as it is stored. Times are Unix milliseconds. */
export interface SubmissionRecord {
  /** Number in the order of creation, from 1, rising, never reused. Given by the caller of {@link SubmissionStore.commit}. */
  readonly number: number;
  /** The submitter's request id; unique, and the same for the record's life. */
  readonly id: string;
  readonly state: SubmissionState;
  readonly policy: UnknownOutcomePolicy;
  readonly createTimeMs: number;
  readonly updateTimeMs: number;
  /** As asked for; 0 when not. */
  readonly sendAfterMs: number;
  readonly expireAfterMs: number;
  /** While QUEUED: when it is to be sent at the earliest. */
  readonly dueTimeMs: number;
  readonly attempts: number;
  readonly destinations: number;
  /** Tells whether a repeat has the same contents. 32 bytes. */
  readonly payloadHash: Uint8Array;
  /** Encoded by the outbox: what is to be sent, and under which ids. Kept for the submission's life, so keep it small once it is done. */
  readonly request: Uint8Array;
  /** Encoded by the outbox: results and last error; empty at first. */
  readonly outcome: Uint8Array;
}

/** One change; a record is stored whole, over the one with its number. */
export interface SubmissionCommit {
  readonly records: readonly SubmissionRecord[];
  /** Numbers of records to remove. */
  readonly removed: readonly number[];
  /** Events that tell of the changes. */
  readonly events: readonly NewEvent[];
  /**
   * Number of the record that each event tells of, in the order of `events`. A store whose commits a crash can cut
   * short keeps such an event with its record. Default: the last record for all of them.
   */
  readonly eventNumbers?: readonly number[];
}

/** Which submissions a list holds. */
export interface SubmissionQuery {
  /** Only numbers below this one. */
  readonly before: number;
  /** Empty: all. */
  readonly states: readonly SubmissionState[];
  readonly limit: number;
  /** Records examined at most: a page can be short while more follow. */
  readonly maxExamined: number;
}

/** One page, newest first; ends early with {@link MAX_LIST_BYTES}. */
export interface SubmissionPage {
  /** `request` is empty and `outcome` is cut off after {@link LIST_OUTCOME_BYTES}: lists show neither messages nor results. */
  readonly records: readonly SubmissionRecord[];
  /** Everything from this number on was examined; 0 when nothing is left. */
  readonly examinedTo: number;
}

/** How many there are. */
export interface SubmissionCounts {
  readonly byState: ReadonlyMap<SubmissionState, number>;
  /** Bytes of `request` and `outcome` of all records. */
  readonly bytes: number;
  /** Highest number ever given. */
  readonly lastNumber: number;
}

/**
 * Keeps submissions beside the events. One process writes it, so it takes what
 * it is given and detects no conflicts. A read that begins after a commit has resolved sees it; one that began before may not.
 */
export interface SubmissionStore {
  /** All or none, in one commit, durable once it resolves. Rejects with ServiceError LOG_UNAVAILABLE or OVERLOADED. */
  commit(commit: SubmissionCommit): Promise<void>;
  /** Reads below reject with ServiceError LOG_UNAVAILABLE. */
  get(id: string): Promise<SubmissionRecord | undefined>;
  list(query: SubmissionQuery): Promise<SubmissionPage>;
  /**
   * QUEUED records whose due time is at most `timeMs`, by due time and number, after a position; ends with the
   * record whose `request` and `outcome` pass `maxBytes`.
   */
  due(
    timeMs: number,
    after: { readonly dueTimeMs: number; readonly number: number } | undefined,
    limit: number,
    maxBytes: number,
  ): Promise<readonly SubmissionRecord[]>;
  /** Due time of the QUEUED record that is due first after a time; undefined when none is. */
  nextDue(afterMs: number): Promise<number | undefined>;
  /** QUEUED records whose expiry is at most `timeMs`, by expiry and number; ends as {@link due} does. */
  expired(timeMs: number, limit: number, maxBytes: number): Promise<readonly SubmissionRecord[]>;
  /** Expiry of the QUEUED record that expires first; undefined when none does. */
  nextExpiry(): Promise<number | undefined>;
  /** SENDING records by number, after one: what a crash has left. Ends as {@link due} does. */
  sending(after: number, limit: number, maxBytes: number): Promise<readonly SubmissionRecord[]>;
  /** Numbers of records that are done and were last changed before a time, by that time and number. */
  doneBefore(timeMs: number, limit: number): Promise<readonly number[]>;
  /** Cheap: totals are kept with the records. */
  counts(): Promise<SubmissionCounts>;
}
