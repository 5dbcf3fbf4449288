import type { AppendResult } from "../event-log.ts";
import type { AnswerRemoval, AnswerTotals } from "./answers/answer-writer.ts";
import type { OpenFailureReason } from "./open-failure.ts";
import type { WriterDatabaseOptions } from "./schema.ts";
import type { SqliteFailure } from "./sqlite-error.ts";
import type { SubscriptionChange, SubscriptionCommit } from "./subscription-store.ts";
import type { Durability, WriterState } from "./writer.ts";

/** workerData of the writer thread. */
export interface WriterThreadData extends WriterDatabaseOptions {
  /** The file is a replica of another log. */
  readonly isReplica?: boolean;
}

/** workerData of the thread that moves the write-ahead log of a database into its file. */
export interface CheckpointThreadData {
  /** Path of the database. */
  readonly checkpointsOf: string;
}

/** What the main thread tells that thread, which answers each checkpoint when it is done. */
export type ToCheckpoints = "checkpoint" | "close";

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

/** Answers to store; `batch` is transferred. */
export interface AnswersMessage {
  readonly kind: "answers";
  readonly batch: ArrayBuffer;
  readonly timeMs: number;
  /** What was saved then or before makes room for another answer with its id. */
  readonly expiredMs: number;
}

/** Changes of submissions and the events that tell of them; both are transferred. */
export interface SubmissionsMessage {
  readonly kind: "submissions";
  readonly changes: ArrayBuffer;
  /** A batch as that of an append; undefined without events. */
  readonly batch: ArrayBuffer | undefined;
  readonly timeMs: number;
}

/** Entries of another log to store, see replica-buffer.ts; `batch` is transferred. */
export interface ReplicaMessage {
  readonly kind: "replica";
  readonly batch: ArrayBuffer;
  /** The head after it: nothing else comes up to there. */
  readonly through: number;
}

/** Work that one commit takes as much of as waits. */
export type CommitMessage =
  | AppendMessage
  | ChangeMessage
  | AnswersMessage
  | SubmissionsMessage
  | ReplicaMessage;

/** Result of one {@link CommitMessage}, by its kind. */
export interface CommitResults {
  readonly append: AppendResult;
  readonly change: SubscriptionCommit;
  readonly answers: AnswerTotals;
  /** Of the events. */
  readonly submissions: AppendResult;
  readonly replica: AppendResult;
}

/** Result of one {@link CommitMessage}, of the same kind. */
export type CommitResult = CommitResults[keyof CommitResults];

/** Work that removes what is old, in a commit of its own. */
export type RemovalMessage =
  /** Removes the oldest events, up to this position or less. */
  | { readonly kind: "remove"; readonly through: number }
  /** Removes answers that were saved then or before, or as many of them as one step takes. */
  | { readonly kind: "expire"; readonly expiredMs: number };

/** Result of one {@link RemovalMessage}, by its kind. */
export interface RemovalResults {
  /** Everything up to this position is removed. */
  readonly remove: number;
  readonly expire: AnswerRemoval;
}

/** Result of one {@link RemovalMessage}, of the same kind. */
export type RemovalResult = RemovalResults[keyof RemovalResults];

/** What the main thread tells the writer. Handled, and answered, in order. */
export type ToWriter =
  | CommitMessage
  | RemovalMessage
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
  /** Result of the oldest open removal. */
  | { readonly kind: "removed"; readonly result: RemovalResult }
  | { readonly kind: "removeFailed"; readonly failure: SqliteFailure }
  | { readonly kind: "tried"; readonly failure: SqliteFailure | undefined };
