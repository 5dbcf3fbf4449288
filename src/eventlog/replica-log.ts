import type { EventLog } from "./event-log.ts";

/** An event of another log, on its way into the replica. */
export interface ReplicaEntry {
  /** Sequence in that log; above all sequences that were applied before. */
  readonly sequence: number;
  /** Unix milliseconds; times that fall are raised to the one before. */
  readonly recordTimeMs: number;
  /** One event, packed by {@link packBatch} of batch-buffer.ts. */
  readonly packed: Uint8Array;
}

/**
 * A copy of an event log that lives elsewhere, in this process's own files: all
 * reads are local, and events keep their sequences. It drops repeats (same
 * message id and fingerprint) for as long as it holds the first one, and marks
 * superseded events, in the order of the log: every replica comes to the same.
 * What it loses in a crash it is given again.
 */
export interface ReplicaLog extends Omit<EventLog, "append"> {
  /** Sequence up to which entries were applied; the place to go on from. It is the head too. */
  readonly position: number;
  /** Resolves with the reason when the replica can no longer be written, or was found damaged; it is then to be disposed of and opened again. */
  readonly failed: Promise<Error>;
  /**
   * Applies entries in order, in one commit; resolves once readers see them. One call at a time.
   * Rejects with ServiceError LOG_UNAVAILABLE or OVERLOADED when nothing of them is stored: the same call may be
   * repeated, unless {@link failed} resolves. Rejects with RangeError for sequences that do not rise from the position to `through`.
   * `through`: nothing else comes up to this sequence, which may lie past the last entry.
   */
  apply(entries: readonly ReplicaEntry[], through: number): Promise<{ readonly duplicates: number }>;
  /** Removes the events up to a position: the log has removed them. */
  removeThrough(position: number): Promise<void>;
}
