import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Metadata, type status } from "@grpc/grpc-js";
import { StatusSchema } from "../../gen/google/rpc/error_details_pb.js";
import { type ServiceError, toConnectError } from "../errors.ts";

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
  const { code, rawMessage, details } = toConnectError(error);
  const status = create(StatusSchema, {
    code,
    message: rawMessage,
    details: details.flatMap((detail) =>
      "desc" in detail ? [anyPack(detail.desc, create(detail.desc, detail.value))] : [],
    ),
  });
  metadata.set(STATUS_DETAILS, Buffer.from(toBinary(StatusSchema, status)));
  // Connect's codes are gRPC's.
  return { code: code as number as status, details: rawMessage, metadata };
}
