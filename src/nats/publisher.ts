/** A message is in the stream. */
export interface PublishAck {
  /** Its sequence in the stream; that of the first one for a repeat. */
  readonly sequence: number;
  /** The stream had a message with this id within its duplicate window. */
  readonly isDuplicate: boolean;
}

/** What must hold for a message to be taken. */
export interface PublishOptions {
  /** Id by which the stream refuses repeats (Nats-Msg-Id). */
  readonly id?: string;
  /** Last sequence of the whole stream (Nats-Expected-Last-Sequence). */
  readonly expectedLast?: number;
  /** Last sequence of the subject, 0 for none (Nats-Expected-Last-Subject-Sequence). */
  readonly expectedLastOfSubject?: number;
  /** Id of the last message of the whole stream (Nats-Expected-Last-Msg-Id). */
  readonly expectedLastId?: string;
  /** Further headers; ASCII. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An expected last sequence or id was not the last one: somebody else has written. */
export class PublishConflict extends Error {
  override readonly name = "PublishConflict";
  /** The last sequence by the server's answer; -1 when it does not tell. */
  readonly lastSequence: number;

  constructor(lastSequence: number) {
    super(`the stream's last sequence is ${lastSequence}`);
    this.lastSequence = lastSequence;
  }
}

/**
 * Publishes to JetStream streams. Messages of one process arrive in the order
 * in which they were published.
 */
export interface Publisher {
  /**
   * Resolves once the stream has acknowledged the message. Rejects with PublishConflict, or with ServiceError:
   * LOG_UNAVAILABLE when there was no acknowledgement in time or the stream refused (then the message may be there
   * or not), OVERLOADED when too many bytes wait (then it is not there).
   */
  publish(subject: string, payload: Uint8Array, options?: PublishOptions): Promise<PublishAck>;
}
