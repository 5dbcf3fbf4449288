import type { Message as ProtoMessage } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Channel } from "../../gen/infobip/messages/v1/channel_pb.js";
import type { MessageDestination } from "../../gen/infobip/messages/v1/destination_pb.js";
import type { BaseMessage, Message, TemplateMessage } from "../../gen/infobip/messages/v1/message_pb.js";
import type { SendMessagesRequest } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { AcceptedMessage, Attempt, CallbackTargets, PlatformIds } from "./accepted-message.ts";
import { linkIn, partsOf } from "./message-text.ts";

/** What the simulator fills in where a request leaves it out. */
export interface AccountDefaults {
  /** Sender of messages without one. */
  readonly sender: string;
  readonly deliveryUrl: string | undefined;
  readonly seenUrl: string | undefined;
  readonly clickUrl: string | undefined;
}

/** What reading a request needs besides the request. */
export interface ReadContext {
  readonly defaults: AccountDefaults;
  readonly nowMs: number;
  readonly nextId: () => string;
}

/** Takes a valid request apart: one entry per destination, in the order of the request. */
export function readMessages(
  request: SendMessagesRequest,
  context: ReadContext,
): { bulkId: string; messages: AcceptedMessage[] } {
  const schedule = request.options?.schedule;
  const bulkId = schedule?.bulkId ?? context.nextId();
  const sendAtMs = schedule?.sendAt === undefined ? context.nowMs : timestampMs(schedule.sendAt);
  const tracking = request.options?.tracking;
  const tracks = tracking?.shortenUrl !== false && tracking?.trackClicks !== false;
  const clickUrl = tracks ? (tracking?.trackingUrl ?? context.defaults.clickUrl) : undefined;
  const messages = request.messages.flatMap((base) => {
    const message = base.kind.value;
    if (message === undefined) return [];
    const shared = sharedPart(base, message, context, clickUrl);
    return message.destinations.map((destination): AcceptedMessage => {
      const attempts = attemptsOf(message, destination, context);
      const id = attempts[0].messageId;
      return {
        ...shared,
        messageId: id,
        bulkId,
        attempts,
        acceptedAtMs: context.nowMs,
        sendAtMs: Math.max(sendAtMs, context.nowMs),
      };
    });
  });
  return { bulkId, messages };
}

function sharedPart(
  base: BaseMessage,
  message: Message | TemplateMessage,
  { defaults }: ReadContext,
  clickUrl: string | undefined,
) {
  const { webhooks, options } = message;
  const targets: CallbackTargets = {
    delivery: webhooks?.delivery?.url ?? defaults.deliveryUrl,
    seen: webhooks?.seen?.url ?? defaults.seenUrl,
    click: clickUrl,
    contentType: webhooks?.contentType === "application/xml" ? "application/xml" : "application/json",
  };
  const body = base.kind.case === "message" ? base.kind.value.content?.body : undefined;
  const text = body?.type.case === "text" ? body.type.value.text : undefined;
  return {
    messageCount: Channel[message.channel] === "SMS" && text !== undefined ? partsOf(text) : 1,
    callbackData: webhooks?.callbackData,
    platform: platformOf(options?.platform),
    campaignReferenceId: options?.campaignReferenceId,
    correlationData: options?.correlationData,
    link: text === undefined ? undefined : linkIn(text),
    intermediateReport: webhooks?.delivery?.intermediateReport === true,
    receiveTriggeredFailoverReports: webhooks?.delivery?.receiveTriggeredFailoverReports === true,
    targets,
  };
}

function platformOf(platform: (ProtoMessage & PlatformIds) | undefined): PlatformIds | undefined {
  if (platform === undefined) return undefined;
  const { entityId, applicationId } = platform;
  return {
    ...(entityId === undefined ? {} : { entityId }),
    ...(applicationId === undefined ? {} : { applicationId }),
  };
}

function attemptsOf(
  message: Message | TemplateMessage,
  destination: MessageDestination,
  { defaults, nextId }: ReadContext,
): [Attempt, ...Attempt[]] {
  const channel = message.channel;
  const sender = message.sender ?? defaults.sender;
  if (destination.kind.case !== "channelsDestination") {
    const { to = "", messageId } = destination.kind.value ?? {};
    return [{ step: 0, channel: Channel[channel], sender, to, messageId: messageId ?? nextId() }];
  }
  const { byChannel, messageId } = destination.kind.value;
  const addresses = new Map(byChannel.map((address) => [address.channel, address]));
  const generated = messageId ?? addresses.get(channel)?.messageId ?? nextId();
  const own: Attempt = {
    step: 0,
    channel: Channel[channel],
    sender,
    to: addresses.get(channel)?.to ?? "",
    messageId: generated,
  };
  const steps = message.failover.flatMap((failover, index): Attempt[] => {
    const step = failover.kind.value;
    const address = step && addresses.get(step.channel);
    if (step === undefined || address === undefined) return [];
    return [
      {
        step: index + 1,
        channel: Channel[step.channel],
        sender: step.sender ?? defaults.sender,
        to: address.to ?? "",
        messageId: messageId ?? address.messageId ?? generated,
      },
    ];
  });
  return [own, ...steps];
}
