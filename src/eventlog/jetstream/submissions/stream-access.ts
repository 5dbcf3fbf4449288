import type { StoredMessage } from "./stored-message.ts";

/** What the store of submissions needs of its stream beside publishing. All reject with any Error when the server does not answer. */
export interface StreamAccess {
  /** Last sequence of the stream. */
  lastSequence(): Promise<number>;
  /** As the stream's leader has it. */
  lastOf(subject: string): Promise<StoredMessage | undefined>;
  at(sequence: number): Promise<StoredMessage | undefined>;
  /** Removes the messages of a subject. */
  purge(subject: string): Promise<void>;
  /** Removes one message; no error when there is none. */
  deleteAt(sequence: number): Promise<void>;
  /** Subjects that a filter matches; at most `limit`. */
  subjects(filter: string, limit: number): Promise<readonly string[]>;
  /** Hands over the messages that a filter matches and that are stored when it begins, in order and in batches. */
  scan(filter: string, onBatch: (messages: readonly StoredMessage[]) => Promise<void>): Promise<void>;
}
