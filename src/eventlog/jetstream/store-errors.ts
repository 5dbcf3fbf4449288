import { Code } from "@connectrpc/connect";
import { ServiceError } from "../../errors.ts";
import { logUnavailable } from "../../nats/nats-errors.ts";

/** Least wait before a repeat, in milliseconds. */
const RETRY_DELAY_MS = 1_000;

/** The error of a call to a store that another process has taken over. */
export function storeTakenOver(cause: unknown): ServiceError {
  return new ServiceError(
    Code.Unavailable,
    "LOG_UNAVAILABLE",
    "another instance has taken over what this call is about; repeat it, and it goes there",
    { retryDelayMs: RETRY_DELAY_MS, cause },
  );
}

/** Something in a stream of this service that it cannot read: written by another version, or damaged. */
export class UnreadableMessage extends Error {
  override readonly name = "UnreadableMessage";
}

/** Waits for a promise, and turns what is no ServiceError into LOG_UNAVAILABLE. */
export async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof ServiceError ? error : logUnavailable(error);
  }
}
