import { Code, ConnectError } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";
import type { CallContext } from "../rpc/call-context.ts";
import { cancelled, deadlineExceeded, draining } from "./refusal.ts";

/**
 * A client that gives up at its own deadline may be seen to leave a little
 * before the deadline passes here, in milliseconds. It is the deadline all the same.
 */
const DEADLINE_SLACK_MS = 20;

/** What a call has ended with whose signal has aborted, or whose client has left; `maybeSent` when it had begun. */
export function errorOfAbort(
  context: Pick<CallContext, "signal" | "timeoutMs">,
  maybeSent = true,
): ServiceError {
  const { reason, aborted } = context.signal;
  if (aborted && reason instanceof ServiceError) return reason;
  if (aborted && reason instanceof ConnectError && reason.code === Code.Unavailable)
    return draining(maybeSent);
  return errorOfLeaving(context.timeoutMs(), maybeSent);
}

/** What a call has ended with whose client left so many milliseconds before its deadline. */
export function errorOfLeaving(timeoutMs: number | undefined, maybeSent = true): ServiceError {
  const isLate = timeoutMs !== undefined && timeoutMs <= DEADLINE_SLACK_MS;
  return isLate ? deadlineExceeded(maybeSent) : cancelled(maybeSent);
}
