import { Code } from "@connectrpc/connect";
import { ServiceError } from "../../errors.ts";
import type { SqliteFailure } from "./sqlite-error.ts";

/** Least wait before an append is worth a repeat, in milliseconds. */
const RETRY_DELAY_MS = 1_000;

/** The error of a call that the log cannot serve now. */
export function logUnavailable(cause: unknown): ServiceError {
  return new ServiceError(
    Code.Unavailable,
    "LOG_UNAVAILABLE",
    "the event log cannot be written or read now; repeat later, and check the service's log and its disk",
    { retryDelayMs: RETRY_DELAY_MS, cause },
  );
}

/** The error of work that the writer's queue has no room for. */
export function logOverloaded(): ServiceError {
  return new ServiceError(
    Code.ResourceExhausted,
    "OVERLOADED",
    "more waits to be stored than the queue takes; repeat later, or with less at once",
    { retryDelayMs: RETRY_DELAY_MS },
  );
}

/** The error of an answer for which the storage of answers has no room. */
export function requestIdsFull(): ServiceError {
  return new ServiceError(
    Code.ResourceExhausted,
    "REQUEST_IDS_FULL",
    "the storage for answers to calls with a request_id is full; send without request_id, or raise sending.request_id_bytes",
  );
}

/** Why SQLite did not write. Cause of LOG_UNAVAILABLE; its `code` goes into the service's log. */
export class LogWriteError extends Error {
  override readonly name = "LogWriteError";
  /** Name of SQLite's result code, such as SQLITE_FULL. */
  readonly code: string;

  constructor(failure: SqliteFailure) {
    super(`${failure.code}: ${failure.text}`);
    this.code = failure.code;
  }
}

/** What SQLite says about a file that reads have found damaged. */
export class LogReadError extends Error {
  override readonly name = "LogReadError";
  /** Name of SQLite's result code, such as SQLITE_CORRUPT. */
  readonly code: string;

  constructor(failure: SqliteFailure) {
    super(`${failure.code}: ${failure.text}`);
    this.code = failure.code;
  }
}
