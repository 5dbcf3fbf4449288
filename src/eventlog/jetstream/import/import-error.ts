/**
 * Why an import cannot go on. TARGET_NOT_EMPTY: the target holds something
 * else. TARGET_WRITTEN: somebody else writes it meanwhile. TARGET_AHEAD: it
 * holds more of the log than the file does. TARGET_BEHIND: the file does not
 * follow what is there. EVENT_TOO_LARGE: the server takes no message of
 * that size.
 */
export type ImportFailure =
  | "TARGET_NOT_EMPTY"
  | "TARGET_WRITTEN"
  | "TARGET_AHEAD"
  | "TARGET_BEHIND"
  | "EVENT_TOO_LARGE";

/** An import cannot go on; what is there stays. The text says what to do. */
export class ImportError extends Error {
  override readonly name = "ImportError";
  readonly reason: ImportFailure;

  constructor(reason: ImportFailure, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}
