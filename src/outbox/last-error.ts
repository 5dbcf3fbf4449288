import { toBinary } from "@bufbuild/protobuf";
import { type Status, StatusSchema } from "../../gen/google/rpc/status_pb.js";
import { ServiceError } from "../errors.ts";
import { toRpcStatus } from "../rpc/rpc-status.ts";

/** Most bytes of an error that is kept with a submission, so that it fits into the beginning of the outcome that lists get. */
export const MAX_ERROR_BYTES = 32 * 1024;

/** Metadata that repeats what the submission's message ids tell. */
const LEFT_OUT = new Set(["message_ids", "message_ids_left_out"]);

/** An error as a submission shows it: without message ids, and without details when they are very large. */
export function toLastError(error: ServiceError, outcome: "NOT_SENT" | "UNKNOWN"): Status {
  const metadata = Object.fromEntries(Object.entries(error.metadata).filter(([key]) => !LEFT_OUT.has(key)));
  const status = toRpcStatus(
    new ServiceError(error.code, error.reason, error.message, {
      domain: error.domain,
      violations: error.violations,
      metadata: { ...metadata, outcome },
    }),
  );
  if (toBinary(StatusSchema, status).length <= MAX_ERROR_BYTES) return status;
  const brief = new ServiceError(error.code, error.reason, error.message.slice(0, 1_000), {
    domain: error.domain,
    metadata: { outcome },
  });
  return toRpcStatus(brief);
}
