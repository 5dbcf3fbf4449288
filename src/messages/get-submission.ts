import { create } from "@bufbuild/protobuf";
import { GetSubmissionResponseSchema } from "../../gen/infobip/messages/v1/submission_pb.js";
import { submissionId } from "../outbox/submission-names.ts";
import { orCallEnded } from "../rpc/call-ended.ts";
import type { SubmissionContext, SubmissionMethod } from "./submission-methods.ts";

/** Makes the implementation of MessagesService.GetSubmission. */
export function createGetSubmission({ outbox }: SubmissionContext): SubmissionMethod<"getSubmission"> {
  return async ({ name }, { signal }) => {
    const submission = await orCallEnded(outbox.get(submissionId(name)), signal);
    return create(GetSubmissionResponseSchema, { submission });
  };
}
