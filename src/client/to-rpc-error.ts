import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { InfobipRpcError, type RpcCode, type RpcOutcome } from "./rpc-error.ts";

/** Methods whose failure leaves the question whether messages left. */
const SENDING: ReadonlySet<string> = new Set(["SendMessages", "SendEvents", "SubmitMessages"]);
/** Codes of the system for a connection that never came about. */
const NO_CONNECTION = /^(?:ECONNREFUSED|ENOENT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;
/** What grpc-js says of the same. */
const NO_GRPC_CONNECTION = /^(?:\w+: )?(?:No connection established|Name resolution failed)/;

/** What HTTP/2 says of a call that the server has not looked at, such as one that crossed a GOAWAY on its way. */
const REFUSED = /(?:\b|_)REFUSED_STREAM\b/;

/** Whether a call surely did nothing, because the connection closed before the service took it: another one may be tried at once. */
export function isRefusedUnseen(error: unknown): boolean {
  const failure = ConnectError.from(error);
  // Where the code of the reset is lost on the way, Connect takes it for an internal error.
  return failure.details.length === 0 && REFUSED.test(failure.rawMessage);
}

/** Turns what a transport failed with into the client's error. `method` is the short name of the method. */
export function toRpcError(error: unknown, method: string): InfobipRpcError {
  if (error instanceof InfobipRpcError) return error;
  const failure = ConnectError.from(error);
  const [info] = failure.findDetails(ErrorInfoSchema);
  const delay = failure.findDetails(RetryInfoSchema)[0]?.retryDelay;
  const violations = failure.findDetails(BadRequestSchema).flatMap((details) => details.fieldViolations);
  const code = isRefusedUnseen(failure) ? "UNAVAILABLE" : codeName(failure.code);
  return new InfobipRpcError(code, info?.reason || code, failure.rawMessage, {
    domain: info?.domain || undefined,
    metadata: { ...info?.metadata },
    outcome: outcomeOf(failure, info?.metadata.outcome, method),
    violations: violations.map(({ field, description, reason }) => ({ field, description, reason })),
    retryDelayMs: delay && durationMs(delay),
    cause: error,
  });
}

/** `NotFound` as `NOT_FOUND`; gRPC writes CANCELLED with two L. */
function codeName(code: Code): RpcCode {
  if (code === Code.Canceled) return "CANCELLED";
  return (Code[code] ?? "Unknown").replaceAll(/(?<=[a-z])[A-Z]/g, "_$&").toUpperCase() as RpcCode;
}

function outcomeOf(failure: ConnectError, told: string | undefined, method: string): RpcOutcome | undefined {
  if (told === "SENT" || told === "NOT_SENT" || told === "UNKNOWN") return told;
  if (!SENDING.has(method)) return undefined;
  return isUnconnected(failure) || isRefusedUnseen(failure) ? "NOT_SENT" : "UNKNOWN";
}

function isUnconnected({ rawMessage, cause }: ConnectError): boolean {
  const code = (cause as { code?: unknown } | undefined)?.code;
  return NO_GRPC_CONNECTION.test(rawMessage) || (typeof code === "string" && NO_CONNECTION.test(code));
}
