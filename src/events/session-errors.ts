import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";
import type { SessionEnd } from "../eventlog/subscription-engine.ts";
import type { CallContext } from "../rpc/call-context.ts";
import { callEnded } from "../rpc/call-ended.ts";

/**
 * A client that gives up at its own deadline may be seen to leave so many milliseconds before it: what delays the
 * start of a call on its way here delays the deadline as the service counts it.
 */
const DEADLINE_SLACK_MS = 500;

/**
 * How a session ends whose call has ended: a deadline that the client has set
 * itself is as good as leaving, and what the service does counts nothing.
 */
export function endWithCall({ signal, timeoutMs }: CallContext): SessionEnd {
  switch (callEnded(signal).code) {
    case Code.DeadlineExceeded:
      return "LEFT";
    case Code.Unavailable:
      return "DRAINED";
    default:
      return (timeoutMs() ?? Number.POSITIVE_INFINITY) <= DEADLINE_SLACK_MS ? "LEFT" : "CONNECTION_LOST";
  }
}

/** A lost session as unary calls report it: the caller opens another one and goes on. */
export function asPrecondition(error: unknown): unknown {
  if (!(error instanceof ServiceError) || error.reason !== "SESSION_EXPIRED") return error;
  const { reason, message, metadata } = error;
  return new ServiceError(Code.FailedPrecondition, reason, message, { metadata });
}
