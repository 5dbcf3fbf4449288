import { Code, ConnectError } from "@connectrpc/connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { type ServiceError as GrpcError, status } from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";

const DETAILS = "grpc-status-details-bin";

/** Turns what a gRPC call failed with into an error for the user, with reason and violations where the service gave them. */
export function rpcFailure(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (!isGrpcError(error)) return new CliError("INTERNAL", String(error), { cause: error });
  const detailed = detailsOf(error);
  const [info] = detailed.findDetails(ErrorInfoSchema);
  const [retry] = detailed.findDetails(RetryInfoSchema);
  const violations = detailed.findDetails(BadRequestSchema).flatMap((details) => details.fieldViolations);
  const code = status[error.code] ?? "UNKNOWN";
  return new CliError(info?.reason || code, messageOf(error), {
    code,
    exitCode: exitCodeOf(error, info?.metadata.outcome),
    violations: violations.map(({ field, description, reason }) => ({ field, description, reason })),
    metadata: info?.metadata ?? {},
    retryDelayMs: retry?.retryDelay && Number(retry.retryDelay.seconds) * 1000 + retry.retryDelay.nanos / 1e6,
    cause: error,
  });
}

/** What the service said; or, of a service that cannot be reached, why not and what to do. */
function messageOf(error: GrpcError): string {
  const text = error.details || error.message;
  if (!isUnreachable(text)) return text;
  const cause = text.replace(/\.? Resolution note: *$/, "");
  const tls = "; a service with TLS needs --tls or --tls-ca";
  return `${cause}; start the service (infobip-rpc serve), or give its gRPC address with --target${tls}`;
}

/** Whether an error text of the gRPC library says that no connection came about, so that nothing was sent. */
export function isUnreachable(text: string): boolean {
  return /^No connection established|^Name resolution failed/.test(text);
}

function isGrpcError(error: unknown): error is GrpcError {
  return error instanceof Error && "code" in error && "details" in error && "metadata" in error;
}

function detailsOf(error: GrpcError): ConnectError {
  const headers = new Headers({
    "grpc-status": String(error.code),
    "grpc-message": encodeURIComponent(error.details),
  });
  const [details] = error.metadata.get(DETAILS);
  if (details !== undefined) headers.set(DETAILS, Buffer.from(details).toString("base64"));
  return findTrailerError(headers) ?? new ConnectError(error.details, error.code as number as Code);
}

function exitCodeOf(error: GrpcError, outcome: string | undefined): number {
  if (outcome === "UNKNOWN") return EXIT.outcomeUnknown;
  return (error.code as number) === Code.Unavailable ? EXIT.unavailable : EXIT.failure;
}
