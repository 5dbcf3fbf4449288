import { Code, ConnectError } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";
import type { Stop } from "./call-failure.ts";

/**
 * Reads from an abort signal's reason who ended a call. `isLate` tells that the
 * caller's deadline has passed: a signal may abort a moment before a timer for
 * the same deadline, and does not always say why.
 */
export function stopOf(reason: unknown, isLate: boolean): Stop {
  if (reason instanceof ServiceError && !isCallEnd(reason.code)) return { kind: "SERVICE", cause: reason };
  if (reason instanceof ConnectError && reason.code === Code.Unavailable) {
    return { kind: "SERVICE", cause: draining() };
  }
  return { kind: isLate || isDeadline(reason) ? "DEADLINE" : "CANCELLED" };
}

/** Connect's shutdown signal carries a ConnectError, which has the code alone. */
function draining(): ServiceError {
  return new ServiceError(
    Code.Unavailable,
    "DRAINING",
    "this instance is shutting down; nothing was sent; try another one",
  );
}

function isCallEnd(code: Code): boolean {
  return code === Code.DeadlineExceeded || code === Code.Canceled;
}

function isDeadline(reason: unknown): boolean {
  if (reason instanceof ConnectError || reason instanceof ServiceError) {
    return reason.code === Code.DeadlineExceeded;
  }
  return reason instanceof Error && reason.name === "TimeoutError";
}
