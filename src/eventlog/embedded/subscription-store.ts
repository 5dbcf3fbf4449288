import type { DeadLetterRecord } from "../subscription-engine.ts";

/** A subscription as it is stored. */
export interface StoredSubscription {
  readonly id: string;
  /** Settings and state in the encoding of subscription-state.ts. */
  readonly state: Uint8Array;
  /** Dead letters, redriven ones included. */
  readonly deadLetters: number;
  /** Sequences of the redriven ones, in order. */
  readonly redriven: readonly number[];
}

/** One change of what is stored about a subscription. */
export type SubscriptionChange =
  /** Creates or replaces the state. */
  | { readonly kind: "put"; readonly id: string; readonly state: Uint8Array }
  /** Removes the subscription and its dead letters. */
  | { readonly kind: "delete"; readonly id: string }
  /** Copies an event of the log, raw body included, to the dead letters; a redriven dead letter is dead again. */
  | {
      readonly kind: "bury";
      readonly id: string;
      readonly sequence: number;
      readonly attempts: number;
      readonly deadTimeMs: number;
      readonly failure: DeadLetterRecord["lastFailure"];
    }
  /** Marks dead letters as redriven. */
  | { readonly kind: "redrive"; readonly id: string; readonly sequences: readonly number[] }
  /** Removes dead letters that were acknowledged after their redrive. */
  | { readonly kind: "settle"; readonly id: string; readonly sequences: readonly number[] };

/** Result of a commit. */
export interface SubscriptionCommit {
  /** Sequences of `bury` changes for which neither the log nor the dead letters hold an event any more. */
  readonly missing: readonly number[];
}

/** Keeps subscriptions beside the events, written by the log's writer. */
export interface SubscriptionStore {
  /** Every subscription, by id. */
  load(): readonly StoredSubscription[];
  /**
   * Applies the changes in order, all or none, in one commit with whatever else waits. Resolves once they are
   * durable; rejects with ServiceError LOG_UNAVAILABLE or OVERLOADED.
   */
  commit(changes: readonly SubscriptionChange[]): Promise<SubscriptionCommit>;
  /** Dead letters of a subscription in order after a sequence. Rejects with ServiceError LOG_UNAVAILABLE. */
  deadLetters(
    id: string,
    after: number,
    options: { readonly limit: number; readonly maxBytes: number; readonly includeRaw: boolean },
  ): Promise<readonly DeadLetterRecord[]>;
  /** Sequences of the given ones that are dead letters, in order; all of them, at most MAX_DEAD_LETTERS, without a list. */
  deadLetterSequences(id: string, among: readonly number[] | undefined): Promise<readonly number[]>;
}
