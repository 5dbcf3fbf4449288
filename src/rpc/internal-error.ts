import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";

/** What becomes of errors that no caller may see. */
export interface InternalErrors {
  /** Called for errors that callers learn nothing of but the id. Must not throw. */
  readonly onInternalError?: (error: unknown, errorId: string, method: string) => void;
  /** Makes the id that ties an INTERNAL error to its log line. */
  readonly newErrorId: () => string;
}

/**
 * The error a caller gets for what went wrong inside, after it was reported.
 *
 * @param method package.Service/Method
 */
export function internalError(thrown: unknown, method: string, errors: InternalErrors): ServiceError {
  const errorId = errors.newErrorId();
  errors.onInternalError?.(thrown, errorId, method);
  return new ServiceError(
    Code.Internal,
    "INTERNAL",
    `internal error ${errorId}; the service's log has its cause`,
    { cause: thrown, metadata: { error_id: errorId, outcome: "UNKNOWN" } },
  );
}
