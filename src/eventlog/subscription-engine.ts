import type { EventFilter } from "../../gen/infobip/events/v1/event_filter_pb.js";
import type { ServiceError } from "../errors.ts";
import type { EventRecord } from "./event-log.ts";

/** Most subscriptions of one log. */
export const MAX_SUBSCRIPTIONS = 1_000;
/** Most open sessions of one subscription. */
export const MAX_SESSIONS = 1_000;
/** Most events of one subscription that are in flight or wait; past it no more of the log is examined. */
export const MAX_UNSETTLED = 20_000;
/** Most dead letters of one subscription. */
export const MAX_DEAD_LETTERS = 10_000;

/** Settings of a subscription, complete. Meaning and bounds: infobip.events.v1.Subscription. */
export interface SubscriptionSettings {
  /** Undefined: every event. */
  readonly filter: EventFilter | undefined;
  readonly maxInFlight: number;
  readonly maxAttempts: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
}

/** A subscription. */
export interface SubscriptionRecord {
  /** Last part of its resource name. */
  readonly id: string;
  readonly settings: SubscriptionSettings;
  /** Unix milliseconds. */
  readonly createTimeMs: number;
  /** Unix milliseconds. */
  readonly updateTimeMs: number;
  /** Position after which the present filter chooses. */
  readonly filterFrom: number;
}

/** Why nothing is delivered; the names of BlockedReason in subscription.proto. */
export type Blocked =
  | "NO_CONSUMER"
  | "MAX_IN_FLIGHT"
  | "MAX_OUTSTANDING"
  | "BACKOFF"
  | "ORDER"
  | "TOO_MANY_WAITING"
  | "DEAD_LETTERS_FULL"
  | "LOG_UNAVAILABLE";

/** How far a subscription has come; see SubscriptionStatus in subscription.proto. */
export interface SubscriptionProgress {
  /** Every event up to here is settled. Never ahead of one that is not. */
  readonly settledTo: number;
  readonly head: number;
  readonly lagEvents: number;
  /** Record time of the oldest event that is not settled, Unix milliseconds; undefined when there is none. */
  readonly oldestTimeMs: number | undefined;
  readonly inFlight: number;
  readonly waiting: number;
  readonly deadLetters: number;
  readonly consumers: number;
  readonly blocked: Blocked | undefined;
}

/** An event handed to a session. */
export interface Delivery {
  readonly record: EventRecord;
  /** 1 and the number of earlier deliveries that failed. */
  readonly attempt: number;
}

/** Bounds of one take. */
export interface TakeOptions {
  readonly maxEvents: number;
  /** Stop after the event that passes this many bytes. */
  readonly maxBytes: number;
  readonly includeRaw: boolean;
}

/** Result of one take. */
export interface TakeResult {
  readonly deliveries: readonly Delivery[];
  /** Retention has removed events before they were delivered; told once, to one session. */
  readonly gap?: { readonly from: number; readonly to: number };
}

/** Which held events a consumer settles. */
export interface Settlement {
  /** Event ids to acknowledge. */
  readonly ackIds: readonly string[];
  /**
   * Acknowledge the held event of this sequence and every one that was handed over before it. When the session
   * does not hold it, nothing is acknowledged by it, and a failure NOT_HELD without an event id tells so.
   */
  readonly ackThrough?: number;
  /** Events to refuse; without a delay the subscription's backoff applies. */
  readonly nacks: readonly { readonly ids: readonly string[]; readonly delayMs?: number }[];
}

/** What became of a settlement. */
export interface SettlementResult {
  readonly acked: number;
  readonly nacked: number;
  readonly failures: readonly {
    readonly eventId: string;
    readonly reason: "NOT_HELD" | "LOG_UNAVAILABLE";
  }[];
}

/** How a consumer wants its session. */
export interface SessionOptions {
  /** For logs and status; may be empty. */
  readonly clientId: string;
  readonly leaseMs: number;
  /** Most events it holds at one time. */
  readonly maxOutstanding: number;
}

/** How a session ends, and whether what it still holds counts as failed. */
export type SessionEnd =
  /** The consumer left in order: nothing counts. */
  | "LEFT"
  /** The service stops: nothing counts. */
  | "DRAINED"
  /** The consumer's connection broke: one failed delivery each. */
  | "CONNECTION_LOST";

/**
 * One consumer of a subscription. Holds events until they are settled or the
 * session ends; ends by itself when its lease runs out.
 */
export interface SubscriptionSession {
  readonly id: string;
  /** Aborts when the session has ended, with a ServiceError as reason: SESSION_EXPIRED, SUBSCRIPTION_CHANGED, DRAINING or CANCELLED. */
  readonly ended: AbortSignal;
  /** Unix milliseconds. */
  readonly leaseExpiresAtMs: number;
  /**
   * Takes what may be delivered to this session now; nothing when there is nothing. One take at a time.
   * Rejects with ServiceError LOG_UNAVAILABLE, or the reason of `ended`.
   */
  take(options: TakeOptions): Promise<TakeResult>;
  /**
   * Resolves when a take may bring something, at once when it already may; also when the signal aborts or the
   * session ends. Never rejects. Armed before it looks, so nothing slips in between.
   */
  waitForWork(signal: AbortSignal): Promise<void>;
  /**
   * Settles events. Resolves once the result is durable. Rejects with the reason of `ended` only. Renews the lease.
   * Calls may overlap: they take effect in the order in which they were made.
   */
  settle(settlement: Settlement): Promise<SettlementResult>;
  /**
   * Gives held events back, by their sequences, as if they had not been delivered: nothing counts, others may take
   * them at once. For deliveries that could not be handed to the consumer. Sequences that are not held are ignored.
   */
  release(sequences: readonly number[]): void;
  /** Lets the lease run anew from now: for its usual length, or for another one this once. */
  renew(leaseMs?: number): void;
  /** Keeps the lease from running out while a call of the consumer is in progress; disposing of the hold renews it. */
  hold(): Disposable;
  /** How far the subscription has come, and what is in the way of this session. */
  progress(): Promise<SubscriptionProgress>;
  /** Ends the session. Resolves once what it held can go to others; a second end changes nothing. Never rejects. */
  end(how: SessionEnd): Promise<void>;
}

/** A dead letter with its event, which is kept whatever retention does to the log. */
export interface DeadLetterRecord {
  /** With cursor and sequence of the event in the log; with raw_body when asked for. */
  readonly record: EventRecord;
  readonly attempts: number;
  /** Unix milliseconds. */
  readonly deadTimeMs: number;
  readonly lastFailure: "NACK" | "LEASE_EXPIRED" | "CONNECTION_LOST";
  /** From the redrive until the event is acknowledged or dead again. */
  readonly redriven: boolean;
}

/** Where a change of a subscription begins to hold. */
export type SettingsChange = Partial<SubscriptionSettings>;

/**
 * Durable subscriptions of one log. Their guarantees, which
 * test/subscription-contract.ts holds every engine to:
 *
 * - Reliable: every event after the subscription's position that matches is
 *   delivered until it is acknowledged or dead, also across restarts and
 *   kill -9. What settle() has confirmed holds.
 * - Ordered: of one message id at most one event is held at a time, in the
 *   order of the log; the next one comes when it is acknowledged or dead. Other
 *   messages, and events without a message id, never wait for it.
 * - Unique: an event is held by one session at a time, and never delivered
 *   again after a confirmed acknowledgement, but for a seek or a redrive.
 * - Resumable: a session needs to know nothing of those before it.
 * - Bookmarkable: `settledTo` never passes an event that is not settled, and
 *   never goes back but by a seek.
 * - Filtered: an event is delivered if and only if it matches the filter that
 *   held when the subscription examined it.
 *
 * Attempts: a delivery fails by a nack, by the end of a lease or by a broken
 * connection. Each failure is counted once and durably before the event is
 * delivered again; orderly ends, draining and the death of the service count
 * nothing. After `maxAttempts` failures the event becomes a dead letter. The
 * wait after failure n is min(maxBackoff, minBackoff * 2^(n-1)), unless a nack
 * names its own; after the first failure that is no nack there is none, so
 * that another consumer takes over at once.
 *
 * All methods reject with ServiceError: SUBSCRIPTION_UNKNOWN where an id is
 * not known, LOG_UNAVAILABLE where something could not be stored or read.
 */
export interface SubscriptionEngine {
  /** Rejects with SUBSCRIPTION_EXISTS or SUBSCRIPTION_LIMIT. */
  create(id: string, settings: SubscriptionSettings, position: number): Promise<SubscriptionRecord>;
  get(id: string): SubscriptionRecord;
  /** At most `limit` of them after an id, by id. */
  list(afterId: string, limit: number): readonly SubscriptionRecord[];
  update(id: string, change: SettingsChange): Promise<SubscriptionRecord>;
  delete(id: string): Promise<void>;
  /** Forgets what is in flight or waiting and goes on after a position. */
  seek(id: string, position: number): Promise<SubscriptionRecord>;
  progress(id: string): Promise<SubscriptionProgress>;
  /** Opens a session. Throws CONSUMER_LIMIT, or DRAINING once the engine drains. */
  join(id: string, options: SessionOptions): SubscriptionSession;
  /** Finds an open session of a subscription. Throws SESSION_EXPIRED. */
  session(id: string, sessionId: string): SubscriptionSession;
  /** Dead letters in order after a sequence. */
  deadLetters(
    id: string,
    after: number,
    options: { readonly limit: number; readonly maxBytes: number; readonly includeRaw: boolean },
  ): Promise<readonly DeadLetterRecord[]>;
  /** Delivers dead letters again, those of the sequences or all; returns how many. Rejects with DEAD_LETTER_UNKNOWN, and redrives none then. */
  redrive(id: string, sequences: readonly number[] | "all"): Promise<number>;
  /** Ends all sessions as DRAINED and opens no more. */
  drain(): Promise<void>;
}

/** The error that a session ended with. */
export function endOf(session: SubscriptionSession): ServiceError {
  return session.ended.reason as ServiceError;
}
