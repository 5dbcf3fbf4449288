import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";

/** Wait that callers are told before they call again, in milliseconds. */
export const CALL_AGAIN_MS = 500;

/** The error of a call whose owner stopped answering, or that lost it, before its end was known. */
export function ownerLost(cause?: unknown): ServiceError {
  return new ServiceError(
    Code.Unavailable,
    "OWNER_LOST",
    "the instance that did this work can no longer be reached, so it is not known whether the call took effect; call again, and another instance will answer",
    { retryDelayMs: CALL_AGAIN_MS, metadata: { outcome: "UNKNOWN" }, cause },
  );
}

/** The error of a call that no instance has taken in time. Nothing of it was done. */
export function ownerUnsettled(): ServiceError {
  return new ServiceError(
    Code.Unavailable,
    "OWNER_LOST",
    "the work is moving from one instance to another; nothing was done; call again",
    { retryDelayMs: CALL_AGAIN_MS },
  );
}

/** The error of a call that needs other instances while NATS is out of reach. Nothing of it was done. */
export function fleetUnreachable(): ServiceError {
  return new ServiceError(
    Code.Unavailable,
    "LOG_UNAVAILABLE",
    "NATS cannot be reached, and with it the instance that does this work; nothing was done; call again",
    { retryDelayMs: CALL_AGAIN_MS },
  );
}

/** The error of a call that is one too many. Nothing of it was done. */
export function fleetOverloaded(what: string): ServiceError {
  return new ServiceError(
    Code.ResourceExhausted,
    "OVERLOADED",
    `${what}; nothing was done; call again later, or call fewer at a time`,
    { retryDelayMs: CALL_AGAIN_MS },
  );
}

/** The error of a call whose messages need more memory than calls between instances may take. */
export function messageTooLarge(limit: number): ServiceError {
  return new ServiceError(
    Code.ResourceExhausted,
    "REQUEST_TOO_LARGE",
    `a message between instances may have ${limit} bytes; ask for less at a time, or send less`,
  );
}

/** The error of a call for a method that the owner does not have. */
export function methodUnknown(): ServiceError {
  return new ServiceError(
    Code.Unimplemented,
    "METHOD_UNKNOWN",
    "the instance that does this work does not have the method; update all instances to one version",
  );
}

/** The error of a call whose deadline has passed at its owner. */
export function deadlinePassed(): ServiceError {
  return new ServiceError(
    Code.DeadlineExceeded,
    "DEADLINE_EXCEEDED",
    "the deadline of the call has passed; it may have taken effect",
  );
}

/** The end of a call whose caller has gone. */
export function callerGone(): ServiceError {
  return new ServiceError(Code.Canceled, "CANCELLED", "the call was cancelled");
}
