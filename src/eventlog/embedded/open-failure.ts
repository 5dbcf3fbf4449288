/**
 * Why an embedded log cannot be opened. NOT_A_LOG: the file is something else.
 * CORRUPT: it is a log, but cut off or damaged.
 * OTHER_VERSION: written by another version of this service. OTHER_LOG: a
 * replica of another log, or of an older state of its log. IN_USE: another
 * process, or another log of this process, writes it. INACCESSIBLE: missing
 * permission, full or failing disk.
 */
export type OpenFailureReason =
  | "NOT_A_LOG"
  | "CORRUPT"
  | "OTHER_VERSION"
  | "OTHER_LOG"
  | "IN_USE"
  | "INACCESSIBLE";

/** The embedded log refuses to start. The text names the file and what to do. */
export class EventLogOpenError extends Error {
  override readonly name = "EventLogOpenError";
  readonly reason: OpenFailureReason;
  /** The file it is about. */
  readonly file: string;

  constructor(reason: OpenFailureReason, file: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
    this.file = file;
  }
}

/** The error for a file that the system or SQLite refuses to open, read or write. */
export function inaccessible(file: string, cause: unknown): EventLogOpenError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  const advice = "check that its directory exists, belongs to this user, is writable and has free space";
  return new EventLogOpenError(
    "INACCESSIBLE",
    file,
    `cannot open the event log ${file}: ${detail}; ${advice}`,
    cause,
  );
}

/** The error for a file that was a log and is damaged; `detail` says what was found. */
export function corrupt(file: string, detail: string, cause?: unknown): EventLogOpenError {
  return new EventLogOpenError(
    "CORRUPT",
    file,
    `the event log ${file} is damaged or cut off (${detail}); restore it from a copy, or move it away to begin a new log`,
    cause,
  );
}
