import { anyUnpack, durationMs } from "@bufbuild/protobuf/wkt";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import type { Status } from "../../gen/google/rpc/status_pb.js";
import { type Reason, ServiceError, type ServiceErrorOptions } from "../errors.ts";

/** The error that toRpcStatus of rpc-status.ts has written; all of it but its cause. */
export function fromRpcStatus(status: Status): ServiceError {
  let reason: string = "INTERNAL";
  const options: { -readonly [K in keyof ServiceErrorOptions]: ServiceErrorOptions[K] } = {};
  for (const detail of status.details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info !== undefined) {
      reason = info.reason;
      options.domain = info.domain;
      options.metadata = { ...info.metadata };
    }
    const broken = anyUnpack(detail, BadRequestSchema)?.fieldViolations;
    if (broken !== undefined) {
      options.violations = broken.map((violation) => ({
        field: violation.field,
        description: violation.description,
        ...(violation.reason === "" ? {} : { reason: violation.reason }),
      }));
    }
    const delay = anyUnpack(detail, RetryInfoSchema)?.retryDelay;
    if (delay !== undefined) options.retryDelayMs = durationMs(delay);
  }
  // A newer instance may have reasons that this one does not know; callers get them as they are.
  return new ServiceError(status.code, reason as Reason, status.message, options);
}
