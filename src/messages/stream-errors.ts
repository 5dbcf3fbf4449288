import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";
import { brokenRules } from "./request-rules.ts";

const NOT_SENT = { outcome: "NOT_SENT" } as const;
/** Wait that a draining instance asks for, in milliseconds. */
const DRAINING_RETRY_DELAY_MS = 1_000;

/** Result of a send beyond the credits. */
export const CREDITS_EXCEEDED = new ServiceError(
  Code.ResourceExhausted,
  "CREDITS_EXCEEDED",
  "more sends are without a result than the stream has credits; nothing was sent; wait for results",
  { metadata: NOT_SENT },
);

/** Result of a send that came after the service began to stop. */
export const SEND_DRAINING = new ServiceError(
  Code.Unavailable,
  "DRAINING",
  "this instance is stopping; nothing was sent; send it on a stream to another one",
  { retryDelayMs: DRAINING_RETRY_DELAY_MS, metadata: NOT_SENT },
);

/** Result of a send without a request. */
export const REQUEST_MISSING = brokenRules([
  { field: "request", description: "value is required", reason: "required" },
]);

/** Why a send ends whose time has passed. */
export const SEND_TIMED_OUT = new ServiceError(
  Code.DeadlineExceeded,
  "DEADLINE_EXCEEDED",
  "the timeout of the send passed before it was done; allow more time",
  { metadata: { outcome: "UNKNOWN" } },
);

/** Why sends end whose stream breaks a rule. */
export const STREAM_BROKEN = new ServiceError(
  Code.Canceled,
  "CANCELLED",
  "the stream has ended before the send was done",
  { metadata: { outcome: "UNKNOWN" } },
);

/** The end of a stream that a stopping service breaks off; `unanswered` sends have no result. */
export function streamDraining(unanswered: number): ServiceError {
  return new ServiceError(
    Code.Unavailable,
    "DRAINING",
    "this instance is stopping; open the stream on another one",
    {
      retryDelayMs: DRAINING_RETRY_DELAY_MS,
      metadata: unanswered === 0 ? NOT_SENT : { outcome: "UNKNOWN" },
    },
  );
}

/** The stream did not begin with `open`, or has a second one. */
export function openMisplaced(description: string): ServiceError {
  return brokenRules([{ field: "open", description, reason: "open_first" }]);
}
