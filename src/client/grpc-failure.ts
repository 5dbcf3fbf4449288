import { type Code, ConnectError } from "@connectrpc/connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import type { ServiceError } from "@grpc/grpc-js";

const DETAILS = "grpc-status-details-bin";

/** The failure of a grpc-js call, with the error details of its trailers. */
export function grpcFailure(error: unknown): ConnectError {
  if (!isServiceError(error)) return ConnectError.from(error);
  const trailers = new Headers({
    "grpc-status": String(error.code),
    "grpc-message": encodeURIComponent(error.details),
  });
  const [details] = error.metadata.get(DETAILS);
  if (details !== undefined) trailers.set(DETAILS, Buffer.from(details).toString("base64"));
  return findTrailerError(trailers) ?? new ConnectError(error.details, error.code as number as Code);
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error && "metadata" in error;
}
