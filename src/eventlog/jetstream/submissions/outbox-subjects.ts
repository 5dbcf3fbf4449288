/** Subjects of the stream of submissions. */
export interface OutboxSubjects {
  /** Who writes the stream. */
  readonly epoch: string;
  /** Filter for all records. */
  readonly allRecords: string;
  /** Filter for all parts. */
  readonly allParts: string;
  /** A record, by its number. */
  readonly record: (number: number) => string;
  /** Bytes that are too large for their record's message, by the sequence that the message is to have. */
  readonly part: (sequence: number) => string;
}

/** The subjects below a root, such as `infobip_rpc.outbox`. */
export function outboxSubjects(root: string): OutboxSubjects {
  return {
    epoch: `${root}.epoch`,
    allRecords: `${root}.record.*`,
    allParts: `${root}.part.*`,
    record: (number) => `${root}.record.${number}`,
    part: (sequence) => `${root}.part.${sequence}`,
  };
}

/** The number at the end of a subject. */
export function lastNumberOf(subject: string): number {
  return Number(subject.slice(subject.lastIndexOf(".") + 1));
}
