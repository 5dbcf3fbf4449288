/** Settings of a stream that this service creates and checks; everything else is the server's default. */
export interface StreamLayout {
  readonly name: string;
  readonly subjects: readonly string[];
  /** Free text that the stream keeps; not compared. */
  readonly description: string;
  readonly replicas: number;
  /** Messages kept for each subject; -1: all. */
  readonly maxMessagesPerSubject: number;
  /** 0: no limit. */
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  /** What gives way when the stream is full: its oldest messages, or the new one, which is refused. */
  readonly discard: "old" | "new";
  /** Time for which message ids are remembered; 0: the server's default, whatever it is. */
  readonly duplicateWindowMs: number;
}

/** A stream, as it stands. */
export interface StreamState {
  readonly description: string;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly messages: number;
  readonly bytes: number;
}
