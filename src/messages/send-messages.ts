import { create } from "@bufbuild/protobuf";
import {
  type MessagesService,
  type SendMessagesRequest,
  SendMessagesRequestSchema,
  SendMessagesResponseSchema,
} from "../../gen/infobip/messages/v1/messages_service_pb.js";
import { MessageResponseSchema } from "../../gen/infobip/messages/v1/response_pb.js";
import { ServiceError } from "../errors.ts";
import { toFieldPath } from "../infobip/codec/paths.ts";
import type { InfobipClient } from "../infobip/infobip-client.ts";
import type { UnaryImplementation } from "../rpc/service-implementation.ts";
import { type DestinationSlot, type NewMessageId, slotsOfMessages } from "./destination-slots.ts";
import { encodeRequest } from "./encode-request.ts";
import { matchResults } from "./match-results.ts";
import { applyDefaults, type RequestDefaults } from "./request-defaults.ts";
import { messageRuleViolations, refuseViolations } from "./request-rules.ts";
import type { SentCall } from "./send-result-event.ts";
import type { SendResultRecorder } from "./send-result-recorder.ts";

/** What the methods of MessagesService work with. */
export interface MessagesContext {
  readonly client: InfobipClient;
  readonly defaults: RequestDefaults;
  readonly newMessageId: NewMessageId;
  /** Records what Infobip answered to SendMessages. Default: nobody does. */
  readonly recorder?: SendResultRecorder;
}

/** MessagesService.SendMessages: check, fill in, encode, POST, match and record results. Expects a validated request, which it changes. */
export function createSendMessages(
  context: MessagesContext,
): UnaryImplementation<(typeof MessagesService)["method"]["sendMessages"]> {
  return async (request, call) => {
    refuseViolations(messageRuleViolations(request));
    applyDefaults(request, context.defaults);
    const slots = slotsOfMessages(request, context.newMessageId);
    const body = encodeRequest(SendMessagesRequestSchema, request);
    try {
      const response = await context.client.sendMessages(body, {
        signal: call.signal,
        timeoutMs: call.timeoutMs(),
        messageIds: slots.map((slot) => slot.messageId),
        fieldPath: (property) => toFieldPath(SendMessagesRequestSchema, request, property),
      });
      const { bulkId } = response;
      const results = matchResults(slots, response);
      await context.recorder?.record({ request, bulkId, results }, call.signal);
      return create(SendMessagesResponseSchema, { bulkId, results });
    } catch (error) {
      if (isOutcomeUnknown(error)) {
        await context.recorder?.record(unansweredCall(request, slots, error.reason), call.signal);
      }
      throw error;
    }
  };
}

function isOutcomeUnknown(error: unknown): error is ServiceError {
  return error instanceof ServiceError && error.metadata.outcome === "UNKNOWN";
}

/** What is known of a call whose request left and that got no answer. */
function unansweredCall(
  request: SendMessagesRequest,
  slots: readonly DestinationSlot[],
  errorReason: string,
): SentCall {
  const results = matchResults(slots, create(MessageResponseSchema));
  return { request, bulkId: request.options?.schedule?.bulkId, results, errorReason };
}
