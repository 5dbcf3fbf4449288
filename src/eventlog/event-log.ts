import type { EventType } from "../../gen/infobip/events/v1/event_pb.js";
import type { Channel } from "../../gen/infobip/messages/v1/channel_pb.js";

/** What filters look at; everything else of an event stays encoded. Absent strings are empty. */
export interface EventColumns {
  readonly type: EventType;
  readonly channel: Channel;
  readonly messageId: string;
  readonly bulkId: string;
  readonly sender: string;
  readonly destination: string;
  readonly applicationId: string;
  readonly entityId: string;
  readonly final: boolean;
  /** How strong the status is that the event tells, see status-rank.ts; 0 when it tells none. Equal for equal fingerprints. */
  readonly rank: number;
  /** When it happened by the teller's clock, Unix milliseconds; 0 when that is not known. Equal for equal fingerprints. */
  readonly occurTimeMs: number;
}

/** An event on its way into the log. */
export interface NewEvent {
  readonly columns: EventColumns;
  /** 8 bytes; with columns.messageId it identifies the event: the log keeps the first of each pair. */
  readonly fingerprint: Uint8Array;
  /** Binary infobip.events.v1.Event without cursor, sequence, record_time, superseded and raw_body: the log appends those. */
  readonly encoded: Uint8Array;
  /** The webhook item as it came. */
  readonly raw: Uint8Array;
  /** It was superseded in the log that it is taken over from, which may have removed what made it so. News leave it out. */
  readonly superseded?: boolean;
}

/** An event in the log. */
export interface EventRecord {
  /** From 1, strictly rising, never reused. */
  readonly sequence: number;
  /** Unix milliseconds; never falls from one sequence to the next. */
  readonly recordTimeMs: number;
  readonly columns: EventColumns;
  /** The log already held stronger news of the message, by the rule of supersession.ts. */
  readonly superseded: boolean;
  /** Binary Event with cursor, sequence, record_time and superseded; with raw_body when asked for. */
  readonly encoded: Uint8Array;
}

/** Bounds of one read. */
export interface ReadOptions {
  /** Most records to examine. */
  readonly limit: number;
  /** Stop after the record that passes this many bytes. */
  readonly maxBytes: number;
  /** Append raw_body to each record. */
  readonly includeRaw: boolean;
  /** Only records for which this holds are returned; all are examined. */
  readonly matches?: (columns: EventColumns) => boolean;
}

/** Result of one read. */
export interface ReadResult {
  readonly records: readonly EventRecord[];
  /** Everything up to this sequence was examined. Equals the start when nothing is stored after it. */
  readonly examinedTo: number;
}

/** Where the log begins and ends, as this process knows it: reads return nothing past `head`. */
export interface LogBounds {
  /** Position before the first record that is kept: reading after it returns the whole log. */
  readonly earliest: number;
  /** Sequence of the last record; `earliest` in an empty log. */
  readonly head: number;
}

/** Result of an append. */
export interface AppendResult {
  readonly appended: number;
  /** Events the log already had, and repeats within the batch. */
  readonly duplicates: number;
}

/** What the log keeps and what it takes up. */
export interface LogStats {
  /** Events kept. */
  readonly events: number;
  /** Bytes of storage in use, without what is free for reuse. */
  readonly sizeBytes: number;
  readonly retention: RetentionLimits;
}

/** Beyond which the oldest events are removed. */
export interface RetentionLimits {
  readonly ageMs: number;
  readonly bytes: number;
}

/** Whether events can be stored, as far as is known now. */
export interface LogHealth {
  readonly ok: boolean;
  /** Why not, for operators. Holds no path and nothing of any event. */
  readonly reason?: string;
}

/**
 * The event log: one sequence of events of all kinds. Its guarantees, which
 * test/event-log-contract.ts holds every engine to:
 *
 * - Ordered: sequences are given at commit by one writer; a reader that has
 *   seen sequence n never later finds a new record at or below n.
 * - Unique: one record per (messageId, fingerprint), for as long as the record
 *   is kept.
 * - Reliable: what append() has confirmed is returned by every later read until
 *   retention removes it, also after kill -9. What it has not confirmed may be
 *   there or not, whole batches only.
 * - Resumable: a position stays good for as long as the log lives; once events
 *   after it were removed it is refused and never moved silently.
 * - Bookmarkable: reading after any position in [earliest, head] is exact, and
 *   ReadResult.examinedTo is such a position, also when nothing matched.
 * - Filtered: a read with `matches` returns exactly the records for which it
 *   holds, and its examinedTo moves past the others.
 *
 * An event is marked as superseded at commit, by supersession.ts, from the
 * events of its message that were committed before it; the mark never changes.
 * An event without a message id belongs to no message: it is never marked, and
 * the reads of one message find nothing under an empty id.
 */
export interface EventLog extends AsyncDisposable {
  /** Identity of this log: 16 lower-case hex digits, kept for its life. */
  readonly id: string;
  /** Resolves once the events are durable. Rejects with ServiceError LOG_UNAVAILABLE or OVERLOADED when they are not: nothing of the batch may then be taken as stored. */
  append(events: readonly NewEvent[]): Promise<AppendResult>;
  bounds(): LogBounds;
  /** Rejects with ServiceError LOG_UNAVAILABLE. Cheap enough for each scrape of metrics. */
  stats(): Promise<LogStats>;
  /** Cheap: for probes. */
  health(): LogHealth;
  /**
   * Reads in order after a position, up to the head. Rejects with ServiceError CURSOR_EXPIRED when the
   * position is before `earliest`, LOG_UNAVAILABLE when the log cannot be read.
   */
  read(after: number, options: ReadOptions): Promise<ReadResult>;
  /**
   * Reads one message's events in order after a position, up to the head; examinedTo is the position to go on
   * from. Cost does not grow with the log. Fails as {@link EventLog.read} but never with CURSOR_EXPIRED.
   */
  readMessage(messageId: string, after: number, options: ReadOptions): Promise<ReadResult>;
  /** The last event of a message that tells a status (rank above 0) and is not superseded; undefined when there is none. */
  statusOf(messageId: string): Promise<EventRecord | undefined>;
  /** Position before the first record stored at `timeMs` or later. */
  positionAtTime(timeMs: number): Promise<number>;
  /** recordTimeMs of the first record after the position; undefined when there is none. */
  recordTimeAfter(after: number): Promise<number | undefined>;
  /**
   * Resolves when head is past `after`, at once when it already is; also when the signal aborts or the log
   * is closed. Never rejects. Since it looks at the head and not at what happens from now on, nothing can
   * slip in between a read that found nothing and a wait for its position.
   */
  waitPast(after: number, signal: AbortSignal): Promise<void>;
  /**
   * Where the log is shared and this process may not know all of it yet: resolves with true once it knows the log up
   * to a sequence, or knows that the log ends before it; with false after a short time in which neither came about,
   * as while the storage cannot be reached. Never rejects.
   */
  reach?(sequence: number): Promise<boolean>;
}
