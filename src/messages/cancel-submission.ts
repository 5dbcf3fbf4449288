import { create } from "@bufbuild/protobuf";
import { CancelSubmissionResponseSchema } from "../../gen/infobip/messages/v1/submission_pb.js";
import { submissionId } from "../outbox/submission-names.ts";
import { orCallEnded } from "../rpc/call-ended.ts";
import type { SubmissionContext, SubmissionMethod } from "./submission-methods.ts";

/** Makes the implementation of MessagesService.CancelSubmission. A call that ends early may have cancelled all the same. */
export function createCancelSubmission({ outbox }: SubmissionContext): SubmissionMethod<"cancelSubmission"> {
  return async ({ name }, { signal }) => {
    const submission = await orCallEnded(outbox.cancel(submissionId(name)), signal);
    return create(CancelSubmissionResponseSchema, { submission });
  };
}
