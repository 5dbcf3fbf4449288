import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";
import { crc16 } from "./crc16.ts";
import type { EventLog } from "./event-log.ts";

/** The parts of a log that a cursor is checked against. */
export type CursorLog = Pick<EventLog, "id" | "bounds">;

const VERSION = 1;
const LOG_ID_BYTES = 8;
const CHECKED_BYTES = 1 + LOG_ID_BYTES + 8;
const CURSOR_BYTES = CHECKED_BYTES + 2;
const TWO_TO_32 = 0x1_0000_0000;
const MAX_SEQUENCE_HIGH = Math.floor(Number.MAX_SAFE_INTEGER / TWO_TO_32);

/** Wait that callers are told before they call again with a cursor that this process cannot judge, in milliseconds. */
const BEHIND_RETRY_MS = 500;

/** Characters of every cursor of this version. */
export const CURSOR_LENGTH = Math.ceil((CURSOR_BYTES * 8) / 6);

/**
 * The opaque text that stands for a position: base64url of a version byte, the
 * log's id, the sequence and a check over them.
 */
export function encodeCursor(logId: string, sequence: number): string {
  return new CursorEncoder(logId).encode(sequence);
}

/** Encodes many cursors of one log; not to be shared between threads. */
export class CursorEncoder {
  readonly #bytes: Buffer;

  /** `logId` is 16 hex digits. */
  constructor(logId: string) {
    this.#bytes = Buffer.alloc(CURSOR_BYTES);
    this.#bytes[0] = VERSION;
    if (this.#bytes.write(logId, 1, "hex") !== LOG_ID_BYTES)
      throw new RangeError("log id is not 16 hex digits");
  }

  /** `sequence` is a position of the log, 0 included. */
  encode(sequence: number): string {
    this.#bytes.writeUInt32BE(Math.floor(sequence / TWO_TO_32), 1 + LOG_ID_BYTES);
    this.#bytes.writeUInt32BE(sequence % TWO_TO_32, 5 + LOG_ID_BYTES);
    this.#bytes.writeUInt16BE(crc16(this.#bytes, CHECKED_BYTES), CHECKED_BYTES);
    return this.#bytes.toString("base64url");
  }
}

/** What a cursor says, without regard to where its log begins and ends. */
export interface CursorContent {
  /** 16 lower-case hex digits. */
  readonly logId: string;
  readonly sequence: number;
}

/** Decodes a cursor; undefined when it is not one this version has written. */
export function decodeCursor(text: string): CursorContent | undefined {
  if (text.length !== CURSOR_LENGTH) return undefined;
  const bytes = Buffer.from(text, "base64url");
  // Buffer skips foreign characters and ignores stray bits, hence the comparison.
  if (bytes.length !== CURSOR_BYTES || bytes.toString("base64url") !== text) return undefined;
  if (bytes[0] !== VERSION || bytes.readUInt16BE(CHECKED_BYTES) !== crc16(bytes, CHECKED_BYTES))
    return undefined;
  const high = bytes.readUInt32BE(1 + LOG_ID_BYTES);
  if (high > MAX_SEQUENCE_HIGH) return undefined;
  return {
    logId: bytes.toString("hex", 1, 1 + LOG_ID_BYTES),
    sequence: high * TWO_TO_32 + bytes.readUInt32BE(5 + LOG_ID_BYTES),
  };
}

/**
 * Position of a caller's cursor in this log.
 *
 * @throws ServiceError CURSOR_MALFORMED, CURSOR_FOREIGN_LOG, CURSOR_EXPIRED (metadata `earliest_cursor`) or
 * CURSOR_AHEAD (metadata `head_cursor`).
 */
export function parseCursor(text: string, log: CursorLog): number {
  const content = decodeCursor(text);
  if (content === undefined) {
    const advice =
      "the cursor is damaged or was not made by this service; pass the cursor of an event or progress frame";
    throw new ServiceError(Code.InvalidArgument, "CURSOR_MALFORMED", advice);
  }
  if (content.logId !== log.id) {
    throw new ServiceError(
      Code.FailedPrecondition,
      "CURSOR_FOREIGN_LOG",
      "the cursor belongs to another event log; use the log it came from, or start anew from a start position or time",
      { metadata: { log_id: log.id, cursor_log_id: content.logId } },
    );
  }
  const { earliest, head } = log.bounds();
  if (content.sequence < earliest) throw cursorExpired(log.id, earliest);
  if (content.sequence > head) {
    throw new ServiceError(
      Code.OutOfRange,
      "CURSOR_AHEAD",
      "the cursor is past the end of the log, which may have been restored from an older copy; go on from head_cursor",
      { metadata: { head_cursor: encodeCursor(log.id, head) } },
    );
  }
  return content.sequence;
}

/**
 * {@link parseCursor}, after this process had time to come to know a position
 * that another process of the fleet has told of.
 *
 * @throws ServiceError as {@link parseCursor} does; LOG_UNAVAILABLE when this process cannot tell whether the log
 * is that long.
 */
export async function findCursor(text: string, log: CursorLog & Pick<EventLog, "reach">): Promise<number> {
  const content = decodeCursor(text);
  const isAhead = content?.logId === log.id && content.sequence > log.bounds().head;
  if (isAhead && (await log.reach?.(content.sequence)) === false) throw logBehind();
  return parseCursor(text, log);
}

/** The error for a position that another process has told of and this one cannot see yet. */
function logBehind(): ServiceError {
  return new ServiceError(
    Code.Unavailable,
    "LOG_UNAVAILABLE",
    "this instance does not have the event log up to the cursor yet; call again, or call another instance",
    { retryDelayMs: BEHIND_RETRY_MS },
  );
}

/** The error for a position whose following events were already removed. */
export function cursorExpired(logId: string, earliest: number): ServiceError {
  return new ServiceError(
    Code.OutOfRange,
    "CURSOR_EXPIRED",
    "events after the cursor are no longer kept; go on from earliest_cursor, or ask with ON_EXPIRED_RESUME",
    { metadata: { earliest_cursor: encodeCursor(logId, earliest) } },
  );
}
