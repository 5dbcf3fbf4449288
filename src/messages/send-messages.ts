import { create } from "@bufbuild/protobuf";
import {
  type MessagesService,
  SendMessagesRequestSchema,
  SendMessagesResponseSchema,
} from "../../gen/infobip/messages/v1/messages_service_pb.js";
import { toFieldPath } from "../infobip/codec/paths.ts";
import type { InfobipClient } from "../infobip/infobip-client.ts";
import type { UnaryImplementation } from "../rpc/service-implementation.ts";
import { type NewMessageId, slotsOfMessages } from "./destination-slots.ts";
import { encodeRequest } from "./encode-request.ts";
import { matchResults } from "./match-results.ts";
import { applyDefaults, type RequestDefaults } from "./request-defaults.ts";
import { messageRuleViolations, refuseViolations } from "./request-rules.ts";

/** What the methods of MessagesService work with. */
export interface MessagesContext {
  readonly client: InfobipClient;
  readonly defaults: RequestDefaults;
  readonly newMessageId: NewMessageId;
}

/** MessagesService.SendMessages: check, fill in, encode, POST, match results. Expects a validated request, which it changes. */
export function createSendMessages(
  context: MessagesContext,
): UnaryImplementation<(typeof MessagesService)["method"]["sendMessages"]> {
  return async (request, call) => {
    refuseViolations(messageRuleViolations(request));
    applyDefaults(request, context.defaults);
    const slots = slotsOfMessages(request, context.newMessageId);
    const body = encodeRequest(SendMessagesRequestSchema, request);
    const response = await context.client.sendMessages(body, {
      signal: call.signal,
      timeoutMs: call.timeoutMs(),
      messageIds: slots.map((slot) => slot.messageId),
      fieldPath: (property) => toFieldPath(SendMessagesRequestSchema, request, property),
    });
    return create(SendMessagesResponseSchema, {
      bulkId: response.bulkId,
      results: matchResults(slots, response),
    });
  };
}
