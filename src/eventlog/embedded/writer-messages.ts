import type { AppendResult } from "../event-log.ts";
import type { OpenFailureReason } from "./open-failure.ts";
import type { WriterDatabaseOptions } from "./schema.ts";
import type { SqliteFailure } from "./sqlite-error.ts";
import type { SubscriptionChange, SubscriptionCommit } from "./subscription-store.ts";
import type { Durability, WriterState } from "./writer.ts";

/** workerData of the writer thread. */
export type WriterThreadData = WriterDatabaseOptions;

/** A batch to store; `batch` is transferred. */
export interface AppendMessage {
  readonly kind: "append";
  readonly batch: ArrayBuffer;
  readonly timeMs: number;
}

/** Changes of subscriptions to store; `bytes` is what they count for. */
export interface ChangeMessage {
  readonly kind: "change";
  readonly changes: readonly SubscriptionChange[];
  readonly bytes: number;
}

/** Work that one commit takes as much of as waits. */
export type CommitMessage = AppendMessage | ChangeMessage;

/** Result of one {@link CommitMessage}, of the same kind. */
export type CommitResult = AppendResult | SubscriptionCommit;

/** What the main thread tells the writer. Handled, and answered, in order. */
export type ToWriter =
  | CommitMessage
  /** Removes the oldest events, up to this position or less. */
  | { readonly kind: "remove"; readonly through: number }
  /** Tries whether so many bytes can be stored. */
  | { readonly kind: "try"; readonly bytes: number }
  | { readonly kind: "close" };

/** What the writer tells the main thread. */
export type FromWriter =
  | { readonly kind: "ready"; readonly state: WriterState; readonly durability: Durability }
  | {
      readonly kind: "refused";
      readonly reason: OpenFailureReason;
      readonly file: string;
      readonly message: string;
    }
  /** One result for each of the oldest open pieces of work. */
  | { readonly kind: "committed"; readonly results: readonly CommitResult[]; readonly head: number }
  /** The oldest `pieces` open pieces of work are not stored. */
  | { readonly kind: "commitFailed"; readonly pieces: number; readonly failure: SqliteFailure }
  /** Everything up to a position is removed. */
  | { readonly kind: "removed"; readonly through: number }
  | { readonly kind: "removeFailed"; readonly failure: SqliteFailure }
  | { readonly kind: "tried"; readonly failure: SqliteFailure | undefined };
