import { Code } from "@connectrpc/connect";
import { type Reason, ServiceError, type ServiceErrorOptions, type Violation } from "../errors.ts";
import type { Role } from "../roles.ts";

/** ErrorInfo metadata of every error that is raised before an implementation runs: nothing was sent. */
const NOTHING_SENT = { outcome: "NOT_SENT" } as const;
/** ErrorInfo metadata of errors that end a call whose implementation may have sent something. */
const MAYBE_SENT = { outcome: "UNKNOWN" } as const;
/** Most violations that one error lists. */
const MAX_VIOLATIONS = 100;
/** Wait that a draining instance asks for, in milliseconds. */
const DRAINING_RETRY_DELAY_MS = 1000;

/** Stands for the name of any unknown method, so that names which callers make up fill no log or metric. */
export const UNKNOWN_METHOD = "_OTHER";

/**
 * Is told of calls that never reached an implementation: `package.Service/Method`, the answer and the protocol as
 * CallContext has it, which is grpc where it is left out.
 */
export type RefusalHook = (method: string, error: ServiceError, protocol?: string) => void;

function refuse(
  code: Code,
  reason: Reason,
  message: string,
  options: ServiceErrorOptions = {},
): ServiceError {
  return new ServiceError(code, reason, message, {
    ...options,
    metadata: { ...NOTHING_SENT, ...options.metadata },
  });
}

/** The request breaks rules of the proto files, or cannot be read as the message it should be. */
export function requestInvalid(
  message: string,
  violations: readonly Violation[] = [],
  metadata: Readonly<Record<string, string>> = {},
): ServiceError {
  return refuse(Code.InvalidArgument, "REQUEST_INVALID", message, {
    violations: violations.slice(0, MAX_VIOLATIONS),
    metadata,
  });
}

/** The request is larger than the listener takes. */
export function requestTooLarge(): ServiceError {
  return refuse(
    Code.ResourceExhausted,
    "REQUEST_TOO_LARGE",
    "the request is larger than this service takes; split it into several",
  );
}

/** No such method or service. */
export function methodUnknown(): ServiceError {
  return refuse(
    Code.Unimplemented,
    "METHOD_UNKNOWN",
    "this service has no such method; check the path, reflection on the gRPC listener lists all methods",
  );
}

/** What a process does not do that lacks a role. */
const NOT_DONE: Readonly<Record<Role, string>> = {
  send: "does not send messages",
  events: "does not serve events",
  intake: "does not take webhooks",
};

/** The method belongs to a role that this process does not have. */
export function roleDisabled(role: Role): ServiceError {
  return refuse(
    Code.Unimplemented,
    "ROLE_DISABLED",
    `this instance ${NOT_DONE[role]}; call one with the role ${role}`,
    { metadata: { role } },
  );
}

/** The call does not follow the protocol it claims to speak. */
export function protocolError(message: string, code: Code = Code.InvalidArgument): ServiceError {
  return refuse(code, "PROTOCOL_ERROR", message);
}

/** A bidirectional method was called over HTTP/1.1. */
export function http2Needed(): ServiceError {
  return protocolError(
    "bidirectional streams need HTTP/2: set the client to HTTP/2, or use the unary methods that do the same",
    Code.Unimplemented,
  );
}

/** The service is about to stop; `maybeSent` when the call had already begun. */
export function draining(maybeSent = false): ServiceError {
  return refuse(Code.Unavailable, "DRAINING", "this instance is stopping; repeat the call on another one", {
    retryDelayMs: DRAINING_RETRY_DELAY_MS,
    metadata: maybeSent ? MAYBE_SENT : NOTHING_SENT,
  });
}

/** The listener has closed the connection, which had reached its age, and with it a call that had begun. */
export function connectionAged(): ServiceError {
  return refuse(
    Code.Unavailable,
    "DRAINING",
    "the connection was closed for its age; call again on another one",
    {
      metadata: MAYBE_SENT,
    },
  );
}

/** The caller's deadline has passed; `maybeSent` when the call had already begun. */
export function deadlineExceeded(maybeSent: boolean): ServiceError {
  return refuse(
    Code.DeadlineExceeded,
    "DEADLINE_EXCEEDED",
    "the deadline of the call passed before it was done; allow more time",
    { metadata: maybeSent ? MAYBE_SENT : NOTHING_SENT },
  );
}

/** The caller gave up; `maybeSent` when the call had already begun. */
export function cancelled(maybeSent: boolean): ServiceError {
  return refuse(Code.Canceled, "CANCELLED", "the call was cancelled by its caller", {
    metadata: maybeSent ? MAYBE_SENT : NOTHING_SENT,
  });
}
