import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";

/** What the service says when the call may be made again, here or elsewhere. */
const AGAIN_REASONS: ReadonlySet<string> = new Set([
  "OWNER_LOST",
  "LOG_UNAVAILABLE",
  "DRAINING",
  "DEADLINE_EXCEEDED",
]);
/** What a client makes of a connection that breaks. */
const BROKEN: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.Aborted,
  Code.Canceled,
  Code.Internal,
  Code.Unknown,
  Code.DeadlineExceeded,
]);

/** Reason of an error of the service; undefined for one that the client has made of a broken connection. */
export function reasonOf(error: unknown): string | undefined {
  return ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason;
}

/** Whether an error tells that a process or a connection went away, or that work moves to another process. */
export function isTransient(error: unknown): boolean {
  const reason = reasonOf(error);
  if (reason === undefined) return BROKEN.has(ConnectError.from(error).code);
  return AGAIN_REASONS.has(reason);
}

/** Throws what is not transient. */
export function mustBeTransient(error: unknown): void {
  if (!isTransient(error)) throw error;
}
