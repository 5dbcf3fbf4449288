import { create } from "@bufbuild/protobuf";
import { SendMessagesRequestSchema } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import {
  type SubmitMessagesRequest,
  SubmitMessagesRequestSchema,
  SubmitMessagesResponseSchema,
  UnknownOutcomePolicy,
} from "../../gen/infobip/messages/v1/submission_pb.js";
import { ServiceError } from "../errors.ts";
import type { NewSubmission, Outbox } from "../outbox/outbox.ts";
import { orCallEnded } from "../rpc/call-ended.ts";
import { derivedMessageIds } from "./derived-message-id.ts";
import { payloadHash } from "./payload-hash.ts";
import { prepareRequest } from "./prepare-request.ts";
import { refuseViolations } from "./request-rules.ts";
import type { SubmissionContext, SubmissionMethod } from "./submission-methods.ts";
import { ALREADY_EXPIRED, timesOf, timeViolations } from "./submission-times.ts";

/**
 * Makes the implementation of MessagesService.SubmitMessages. Expects a
 * validated request, which it changes. What it hands to the outbox is complete,
 * so that only Infobip can refuse it from there on. A call that ends early may
 * have submitted all the same.
 */
export function createSubmitMessages(context: SubmissionContext): SubmissionMethod<"submitMessages"> {
  const { outbox, now } = context;
  return async (request, { signal, trace }) => {
    refuseViolations(timeViolations(request));
    const submission = { ...toSubmission(request, context), trace };
    const { expireAfterMs } = submission;
    if (expireAfterMs !== 0 && expireAfterMs <= now()) {
      await orCallEnded(requireKnown(outbox, request.requestId), signal);
    }
    return create(SubmitMessagesResponseSchema, {
      submission: await orCallEnded(outbox.submit(submission), signal),
    });
  };
}

function toSubmission(request: SubmitMessagesRequest, { defaults }: SubmissionContext): NewSubmission {
  const { requestId, messages, options, coalesce, unknownOutcomePolicy } = request;
  const hash = payloadHash(SubmitMessagesRequestSchema, { ...request, requestId: "" });
  const sent = create(SendMessagesRequestSchema);
  sent.messages = messages;
  if (options !== undefined) sent.options = options;
  if (coalesce !== undefined) sent.coalesce = coalesce;
  const newMessageId = derivedMessageIds("submission", requestId, hash);
  const { messageIds } = prepareRequest(sent, { defaults, newMessageId });
  return {
    requestId,
    payloadHash: hash,
    request: sent,
    messageIds,
    policy:
      unknownOutcomePolicy === UnknownOutcomePolicy.UNSPECIFIED
        ? UnknownOutcomePolicy.AT_MOST_ONCE
        : unknownOutcomePolicy,
    ...timesOf(request),
  };
}

/** The repeat of a submission may come after it has expired; a first one that late is a mistake. */
async function requireKnown(outbox: Outbox, requestId: string): Promise<void> {
  try {
    await outbox.get(requestId);
  } catch (error) {
    if (error instanceof ServiceError && error.reason === "SUBMISSION_UNKNOWN")
      refuseViolations([ALREADY_EXPIRED]);
    throw error;
  }
}
