import { toBinary } from "@bufbuild/protobuf";
import { Metadata, type status } from "@grpc/grpc-js";
import { StatusSchema } from "../../gen/google/rpc/status_pb.js";
import type { ServiceError } from "../errors.ts";
import { toRpcStatus } from "../rpc/rpc-status.ts";

/** Name of the trailer that carries a google.rpc.Status. */
export const STATUS_DETAILS = "grpc-status-details-bin";

/** How a gRPC call ends. */
export interface GrpcStatus {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/**
 * Turns an error into a gRPC status with the same code, text and details that
 * a Connect client gets. Adds the details to `metadata`.
 */
export function toGrpcStatus(error: ServiceError, metadata: Metadata = new Metadata()): GrpcStatus {
  const status = toRpcStatus(error);
  metadata.set(STATUS_DETAILS, Buffer.from(toBinary(StatusSchema, status)));
  // Connect's codes are gRPC's.
  return { code: error.code as number as status, details: status.message, metadata };
}
