import { create } from "@bufbuild/protobuf";
import {
  type MessagesService,
  SendEventsRequestSchema,
  SendEventsResponseSchema,
} from "../../gen/infobip/messages/v1/messages_service_pb.js";
import { toFieldPath } from "../infobip/codec/paths.ts";
import type { UnaryImplementation } from "../rpc/service-implementation.ts";
import { slotsOfEvents } from "./destination-slots.ts";
import { encodeRequest } from "./encode-request.ts";
import { matchResults } from "./match-results.ts";
import { eventRuleViolations, refuseViolations } from "./request-rules.ts";
import type { MessagesContext } from "./send-messages.ts";

/** MessagesService.SendEvents. Expects a validated request, which it changes. */
export function createSendEvents(
  context: MessagesContext,
): UnaryImplementation<(typeof MessagesService)["method"]["sendEvents"]> {
  return async (request, call) => {
    refuseViolations(eventRuleViolations(request));
    const slots = slotsOfEvents(request, context.newMessageId);
    const body = encodeRequest(SendEventsRequestSchema, request);
    const response = await context.client.sendEvents(body, {
      signal: call.signal,
      timeoutMs: call.timeoutMs(),
      messageIds: slots.map((slot) => slot.messageId),
      fieldPath: (property) => toFieldPath(SendEventsRequestSchema, request, property),
    });
    return create(SendEventsResponseSchema, {
      bulkId: response.bulkId,
      results: matchResults(slots, response),
    });
  };
}
