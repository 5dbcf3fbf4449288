import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import type { Submission } from "../../gen/infobip/messages/v1/submission_pb.js";

/** Machine reason of a submission's last error; undefined when it has none. */
export function refusalReasonOf({ lastError }: Submission): string | undefined {
  for (const any of lastError?.details ?? []) {
    const info = anyUnpack(any, ErrorInfoSchema);
    if (info !== undefined) return info.reason;
  }
  return undefined;
}
