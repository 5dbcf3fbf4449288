import { Code } from "@connectrpc/connect";
import { ServiceError } from "../../errors.ts";

const NOT_SENT = { outcome: "NOT_SENT" } as const;

/** The error for a job that finds the queue full. `limit` says of what. */
export function queueFull(limit: string): ServiceError {
  return new ServiceError(
    Code.ResourceExhausted,
    "OVERLOADED",
    `${limit} wait to be sent to Infobip, which is the limit; nothing was sent; send less at a time and try again with growing delays`,
    { metadata: NOT_SENT },
  );
}

/** The error for a job that would wait beyond its deadline. */
export function wouldBeLate(): ServiceError {
  return new ServiceError(
    Code.DeadlineExceeded,
    "OVERLOADED",
    "the deadline would pass while the messages wait to be sent; nothing was sent; send less at a time or allow more time",
    { metadata: NOT_SENT },
  );
}

/** The error for what waits or comes while the circuit is open. */
export function circuitOpen(retryDelayMs: number): ServiceError {
  return new ServiceError(
    Code.Unavailable,
    "UPSTREAM_UNREACHABLE",
    "Infobip failed several times in a row, so it is left alone for a moment; nothing was sent; try again after the retry delay",
    { metadata: { ...NOT_SENT, circuit: "open" }, retryDelayMs },
  );
}

/** The error for what waits or comes while the service stops. */
export function draining(): ServiceError {
  return new ServiceError(
    Code.Unavailable,
    "DRAINING",
    "this instance is shutting down; nothing was sent; try another one",
    { metadata: NOT_SENT },
  );
}
