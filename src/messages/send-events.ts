import { create } from "@bufbuild/protobuf";
import {
  type MessagesService,
  type SendEventsRequest,
  SendEventsRequestSchema,
  SendEventsResponseSchema,
} from "../../gen/infobip/messages/v1/messages_service_pb.js";
import { toFieldPath } from "../infobip/codec/paths.ts";
import type { ChannelCount } from "../infobip/sending/send-queue.ts";
import type { UnaryImplementation } from "../rpc/service-implementation.ts";
import { ChannelCounter } from "./channel-counter.ts";
import { slotsOfEvents } from "./destination-slots.ts";
import { encodeRequest } from "./encode-request.ts";
import { matchResults } from "./match-results.ts";
import type { MessagesContext } from "./messages-context.ts";
import { eventRuleViolations, refuseViolations } from "./request-rules.ts";
import { unaryFlow } from "./unary-flow.ts";

/** MessagesService.SendEvents. Expects a validated request, which it changes. Its results are not recorded. */
export function createSendEvents(
  context: Pick<MessagesContext, "queue" | "newMessageId">,
): UnaryImplementation<(typeof MessagesService)["method"]["sendEvents"]> {
  return async (request, call) => {
    refuseViolations(eventRuleViolations(request));
    const slots = slotsOfEvents(request, context.newMessageId);
    const { bulkId, answers } = await context.queue.send({
      body: { endpoint: "events", body: encodeRequest(SendEventsRequestSchema, request) },
      messageIds: slots.map((slot) => slot.messageId),
      channels: countChannels(request),
      flow: unaryFlow(call),
      coalesce: false,
      signal: call.signal,
      timeoutMs: call.timeoutMs(),
      trace: call.trace && { context: call.trace, isAwaited: true },
      fieldPath: (property) => toFieldPath(SendEventsRequestSchema, request, property),
    });
    return create(SendEventsResponseSchema, { bulkId, results: matchResults(slots, answers) });
  };
}

function countChannels(request: SendEventsRequest): readonly ChannelCount[] {
  const counter = new ChannelCounter();
  for (const { event } of request.events) {
    if (event.value !== undefined) counter.add(event.value.channel, event.value.destinations.length);
  }
  return counter.counts;
}
