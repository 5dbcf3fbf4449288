/*
 * A transfer file holds a whole event log, to be moved to another engine. It
 * is written and read as a stream. Little-endian:
 *
 *   MAGIC, u32 version, then frames:
 *   u8 kind, u32 length, u32 check, `length` bytes of body, u32 check.
 *
 * A check is the CRC-32 of everything before it that is no check. So what was
 * changed, lost, repeated or swapped shows at the next check, and nothing of a
 * frame is used before the one behind it. The length has a check of its own:
 * nobody waits for bytes of a length that was damaged.
 *
 * The first frame is HEADER, the last one END: a file without it was cut off.
 * Their bodies are JSON. Those of the others are items of one kind after the
 * other, see item-fields.ts: events in order, then each subscription with its
 * dead letters behind it, submissions, answers.
 */

/** First bytes of a transfer file; they do not survive a transfer as text. */
export const MAGIC = Buffer.from([0x89, 0x49, 0x42, 0x4c, 0x54, 0x0d, 0x0a, 0x1a]);
/** Version of the format; a reader takes no other. */
export const TRANSFER_VERSION = 1;

/** Bytes before the first frame: MAGIC and the version. */
export const PREFIX_BYTES = MAGIC.length + 4;
/** Kind, length and check in front of a body. */
export const FRAME_HEAD_BYTES = 9;
/** Of the frame's head, bytes that its check is over. */
export const CHECKED_HEAD_BYTES = 5;
/** Check behind a body. */
export const CHECK_BYTES = 4;

/** Bytes of items after which a frame is written. */
export const FRAME_BYTES = 256 * 1024;
/** Most bytes of a body: a frame of a single item that is as large as SQLite stores it. */
export const MAX_BODY_BYTES = 1024 * 1024 * 1024;
/** Most bytes of the body of HEADER and END. */
export const MAX_JSON_BYTES = 64 * 1024;

/** Kinds of frames. */
export const FrameKind = {
  HEADER: 1,
  EVENTS: 2,
  SUBSCRIPTIONS: 3,
  DEAD_LETTERS: 4,
  SUBMISSIONS: 5,
  ANSWERS: 6,
  END: 7,
} as const;

/** Value of {@link FrameKind}. */
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/** How many items of each kind. */
export interface TransferCounts {
  readonly events: number;
  readonly subscriptions: number;
  readonly deadLetters: number;
  readonly submissions: number;
  readonly answers: number;
}

/** What a transfer file says about the log that it holds. */
export interface TransferHeader {
  /** 16 lower-case hex digits. */
  readonly logId: string;
  /** Position before the first event. */
  readonly earliest: number;
  /** Sequence of the last event; `earliest` when there is none. Sequences have no gaps. */
  readonly head: number;
  /** Highest number ever given to a submission. */
  readonly lastSubmissionNumber: number;
  /** When it was written, Unix milliseconds. */
  readonly exportTimeMs: number;
  readonly counts: TransferCounts;
}

/** Counts of nothing. */
export const NO_ITEMS: TransferCounts = {
  events: 0,
  subscriptions: 0,
  deadLetters: 0,
  submissions: 0,
  answers: 0,
};
