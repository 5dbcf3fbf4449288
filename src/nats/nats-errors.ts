import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";

/** Least wait before a call is worth a repeat, in milliseconds. */
const RETRY_DELAY_MS = 1_000;

/** What went wrong with NATS. Cause of LOG_UNAVAILABLE; its `code` goes into the service's log. */
export class NatsFailure extends Error {
  override readonly name = "NatsFailure";
  /** DISCONNECTED, TIMEOUT, NO_RESPONDERS, REFUSED, CLOSED, DAMAGED, CONFLICT, or JETSTREAM_ and the server's err_code, such as JETSTREAM_10077. */
  readonly code: string;

  constructor(code: string, text: string, cause?: unknown) {
    super(text, { cause });
    this.code = code;
  }
}

/** The error of a call for which NATS is needed and cannot be had, or refuses. */
export function logUnavailable(cause: unknown): ServiceError {
  return new ServiceError(
    Code.Unavailable,
    "LOG_UNAVAILABLE",
    "NATS cannot be reached or does not store; repeat later, and check the service's log and the NATS server",
    { retryDelayMs: RETRY_DELAY_MS, cause },
  );
}

/** The error of a call for which too much waits for NATS already. */
export function overloaded(): ServiceError {
  return new ServiceError(
    Code.ResourceExhausted,
    "OVERLOADED",
    "more waits to be stored than may be in flight to NATS; repeat later, or with less at once",
    { retryDelayMs: RETRY_DELAY_MS },
  );
}
