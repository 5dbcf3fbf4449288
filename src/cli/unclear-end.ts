import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { isUnreachable } from "./rpc-failure.ts";

/** Codes that a call can end with after it has reached the service, without a word of the service. */
const UNCLEAR_ENDS: readonly string[] = [
  "UNAVAILABLE",
  "DEADLINE_EXCEEDED",
  "CANCELLED",
  "INTERNAL",
  "UNKNOWN",
];

/**
 * The error as it is; or, when the call ended so that it cannot be known what
 * the service made of it, with that said in its text and exit code.
 */
export function withUnclearEnd(error: unknown, whatMayBe: string): unknown {
  if (!(error instanceof CliError) || !isUnclear(error)) return error;
  return new CliError(error.reason, `${error.message}; ${whatMayBe}`, {
    ...error,
    exitCode: EXIT.outcomeUnknown,
    cause: error,
  });
}

/** Without a word of the service, only a connection that never came about proves that nothing was done. */
function isUnclear(error: CliError): boolean {
  const isFromService = error.metadata.outcome !== undefined || error.reason !== error.code;
  return !isFromService && UNCLEAR_ENDS.includes(error.reason) && !isUnreachable(error.message);
}
