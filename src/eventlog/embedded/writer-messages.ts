import type { AppendResult } from "../event-log.ts";
import type { OpenFailureReason } from "./open-failure.ts";
import type { WriterDatabaseOptions } from "./schema.ts";
import type { SqliteFailure } from "./sqlite-error.ts";
import type { Durability, WriterState } from "./writer.ts";

/** workerData of the writer thread. */
export type WriterThreadData = WriterDatabaseOptions;

/** A batch to store; `batch` is transferred. */
export interface AppendMessage {
  readonly kind: "append";
  readonly batch: ArrayBuffer;
  readonly timeMs: number;
}

/** Events to remove: all up to a position. */
export interface RemoveMessage {
  readonly kind: "remove";
  readonly through: number;
}

/** What the main thread tells the writer. Handled, and answered, in order. */
export type ToWriter = AppendMessage | RemoveMessage | { readonly kind: "close" };

/** What the writer tells the main thread. */
export type FromWriter =
  | { readonly kind: "ready"; readonly state: WriterState; readonly durability: Durability }
  | {
      readonly kind: "refused";
      readonly reason: OpenFailureReason;
      readonly file: string;
      readonly message: string;
    }
  /** One result for each of the oldest open batches. */
  | { readonly kind: "committed"; readonly results: readonly AppendResult[]; readonly head: number }
  /** The oldest `batches` open batches are not stored. */
  | { readonly kind: "commitFailed"; readonly batches: number; readonly failure: SqliteFailure }
  | { readonly kind: "removed" }
  | { readonly kind: "removeFailed"; readonly failure: SqliteFailure };
