import { Code } from "@connectrpc/connect";
import { ServiceError, type ServiceErrorOptions, UPSTREAM_DOMAIN } from "../errors.ts";
import type { CallFailure, Stop } from "./call-failure.ts";
import { type ErrorContext, outcomeMetadata } from "./error-context.ts";

const WAITS = {
  TOKEN: "while waiting for an access token",
  QUEUE: "while waiting for a free connection to Infobip",
  CONNECT: "while connecting to Infobip",
  ANSWER: "while waiting for Infobip's answer",
} as const;

/**
 * Makes the error for a call that ended without a usable answer. `status` is
 * given when an answer had begun.
 */
export function failureError(failure: CallFailure, context: ErrorContext, status?: number): ServiceError {
  const hadLeft = failure.phase === "ANSWER";
  if (hadLeft && context.kind === "SEND") return uncertain(failure, context, status);
  if (failure.stop) return stoppedUnsent(failure, failure.stop, context);
  return hadLeft ? unanswered(failure, context, status) : unreachable(failure, context);
}

/** Nothing was sent: whoever ended the call decides what it is. */
function stoppedUnsent(failure: CallFailure, stop: Stop, context: ErrorContext): ServiceError {
  const options = { metadata: outcomeMetadata(context, "NOT_SENT"), cause: failure };
  const where = WAITS[failure.phase];
  const isQueue = failure.phase === "QUEUE";
  switch (stop.kind) {
    case "CANCELLED":
      return new ServiceError(Code.Canceled, "CANCELLED", `cancelled ${where}; nothing was sent`, options);
    case "DEADLINE":
      return new ServiceError(
        Code.DeadlineExceeded,
        isQueue ? "OVERLOADED" : "DEADLINE_EXCEEDED",
        `the deadline passed ${where}; nothing was sent; ${isQueue ? "send less at a time or allow" : "allow"} more time`,
        options,
      );
    case "SERVICE":
      return asServiceSaid(stop.cause, options);
    case "LIMIT":
      return limitPassed(failure, context);
  }
}

function limitPassed(failure: CallFailure, context: ErrorContext): ServiceError {
  if (failure.phase === "ANSWER") return unanswered(failure, context, undefined);
  if (failure.phase !== "QUEUE") return unreachable(failure, context);
  return new ServiceError(
    Code.ResourceExhausted,
    "OVERLOADED",
    "waited too long for a free connection to Infobip; nothing was sent; send less at a time",
    { metadata: outcomeMetadata(context, "NOT_SENT"), cause: failure },
  );
}

/** The service's own reason for ending the call, with the outcome added. */
function asServiceSaid(
  cause: unknown,
  options: { metadata: Record<string, string>; cause: unknown },
): ServiceError {
  if (!(cause instanceof ServiceError)) {
    return new ServiceError(Code.Internal, "INTERNAL", "the call was ended; nothing was sent", options);
  }
  return new ServiceError(cause.code, cause.reason, cause.message, {
    domain: cause.domain,
    violations: cause.violations,
    ...(cause.retryDelayMs === undefined ? {} : { retryDelayMs: cause.retryDelayMs }),
    metadata: { ...cause.metadata, ...options.metadata },
    cause: options.cause,
  });
}

function unreachable(failure: CallFailure, context: ErrorContext): ServiceError {
  const fault = failure.faultCode;
  const options = {
    metadata: { ...outcomeMetadata(context, "NOT_SENT"), ...faultMetadata(fault) },
    cause: failure,
  };
  if (fault === "UND_ERR_INVALID_ARG") {
    return new ServiceError(
      Code.Internal,
      "INTERNAL",
      "the request to Infobip could not be built; nothing was sent; see the service's log",
      options,
    );
  }
  if (fault === "UND_ERR_CLOSED" || fault === "UND_ERR_DESTROYED") {
    return new ServiceError(
      Code.Unavailable,
      "DRAINING",
      "this instance is shutting down; nothing was sent; try another one",
      options,
    );
  }
  return new ServiceError(
    Code.Unavailable,
    "UPSTREAM_UNREACHABLE",
    "no connection to Infobip could be made; nothing was sent; try again, and if it stays so ask the operator of this service to check upstream.base_url and the network",
    options,
  );
}

/** Bytes had left. Never UNAVAILABLE: generic clients repeat that, and the message would double. */
function uncertain(failure: CallFailure, context: ErrorContext, status: number | undefined): ServiceError {
  return new ServiceError(
    uncertainCode(failure.stop),
    "SEND_OUTCOME_UNKNOWN",
    `${lateCause(failure)} after the request had left for Infobip, so the messages may or may not have been sent; look for their reports by message id before sending them again`,
    lateOptions(failure, outcomeMetadata(context, "UNKNOWN"), status),
  );
}

function uncertainCode(stop: Stop | undefined): Code {
  if (stop?.kind === "DEADLINE") return Code.DeadlineExceeded;
  return stop?.kind === "CANCELLED" ? Code.Canceled : Code.Unknown;
}

/** Bytes had left, but of a request that sends no message. */
function unanswered(failure: CallFailure, context: ErrorContext, status: number | undefined): ServiceError {
  return new ServiceError(
    Code.Unavailable,
    "UPSTREAM_FAILED",
    `${lateCause(failure)} before Infobip had answered; ${context.kind === "FETCH" ? "what it was handing out may be lost" : "nothing was sent"}; try again`,
    lateOptions(failure, outcomeMetadata(context, "NOT_SENT"), status),
  );
}

function lateOptions(
  failure: CallFailure,
  outcome: Record<string, string>,
  status: number | undefined,
): ServiceErrorOptions {
  return {
    ...(status === undefined ? {} : { domain: UPSTREAM_DOMAIN }),
    metadata: {
      ...outcome,
      ...(status === undefined ? {} : { http_status: String(status) }),
      ...faultMetadata(failure.faultCode),
    },
    cause: failure,
  };
}

function lateCause(failure: CallFailure): string {
  switch (failure.stop?.kind) {
    case "DEADLINE":
      return "the deadline passed";
    case "CANCELLED":
      return "the call was cancelled";
    case "SERVICE":
      return "this service ended the call";
    case "LIMIT":
      return "no answer came in time";
    default:
      return "the connection failed or the answer was unusable";
  }
}

function faultMetadata(fault: string): Record<string, string> {
  return fault === "" ? {} : { fault };
}
