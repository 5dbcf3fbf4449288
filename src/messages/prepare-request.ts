import { BaseMessageSchema } from "../../gen/infobip/messages/v1/message_pb.js";
import { RequestOptionsSchema } from "../../gen/infobip/messages/v1/request_options_pb.js";
import type { SendMessagesRequest } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { ChannelCount } from "../infobip/sending/send-queue.ts";
import { ChannelCounter } from "./channel-counter.ts";
import { type DestinationSlot, type NewMessageId, slotsOfMessages } from "./destination-slots.ts";
import { encodeRequest } from "./encode-request.ts";
import { messageOf } from "./message-of.ts";
import { applyDefaults, type RequestDefaults } from "./request-defaults.ts";
import { messageRuleViolations, refuseViolations } from "./request-rules.ts";

/** What {@link prepareRequest} fills in. */
export interface PrepareOptions {
  readonly defaults: RequestDefaults;
  /** Called once for each id that the request lacks, in the order of the request. */
  readonly newMessageId: NewMessageId;
}

/** A request that is ready to leave. */
export interface PreparedRequest {
  /** As it leaves: with defaults and message ids filled in. */
  readonly request: SendMessagesRequest;
  /** One for each destination, in the order of the request. */
  readonly slots: readonly DestinationSlot[];
  /** Id of each destination, in the order of the request. */
  readonly messageIds: readonly string[];
  /** Destinations by channel; one entry a channel. */
  readonly channels: readonly ChannelCount[];
  /** Infobip's JSON of each message. */
  readonly messagesJson: readonly string[];
  /** Infobip's JSON of the request's options; undefined when it has none. */
  readonly optionsJson: string | undefined;
}

/**
 * Makes a request ready to leave, changing it in place: checks the rules that
 * span it, fills in defaults and message ids, and encodes each message. Expects
 * a request that follows the rules of its proto file. Throws ServiceError
 * REQUEST_INVALID with outcome NOT_SENT.
 */
export function prepareRequest(request: SendMessagesRequest, options: PrepareOptions): PreparedRequest {
  refuseViolations(messageRuleViolations(request));
  applyDefaults(request, options.defaults);
  const slots = slotsOfMessages(request, options.newMessageId);
  return {
    request,
    slots,
    messageIds: slots.map((slot) => slot.messageId),
    channels: countChannels(request),
    messagesJson: request.messages.map((base, index) =>
      encodeRequest(BaseMessageSchema, base, `messages[${index}]`),
    ),
    optionsJson:
      request.options === undefined
        ? undefined
        : encodeRequest(RequestOptionsSchema, request.options, "options"),
  };
}

function countChannels(request: SendMessagesRequest): readonly ChannelCount[] {
  const counter = new ChannelCounter();
  for (const base of request.messages) {
    const message = messageOf(base);
    if (message !== undefined) counter.add(message.channel, message.destinations.length);
  }
  return counter.counts;
}
