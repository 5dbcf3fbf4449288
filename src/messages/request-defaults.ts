import { create } from "@bufbuild/protobuf";
import { Channel } from "../../gen/infobip/messages/v1/channel_pb.js";
import type { Message, TemplateMessage } from "../../gen/infobip/messages/v1/message_pb.js";
import type { SendMessagesRequest } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import {
  DeliverySchema,
  SeenStatusReportingSchema,
  WebhooksSchema,
} from "../../gen/infobip/messages/v1/webhooks_pb.js";
import { failoverOf, messageOf } from "./message-of.ts";

/** URLs of this service's webhooks, by what is reported to them. */
export interface DefaultWebhookUrls {
  readonly delivery: string;
  readonly seen: string;
  readonly click: string;
}

/** What this service fills in where a request leaves it out. */
export interface RequestDefaults {
  /** Sender by channel. */
  readonly senders: ReadonlyMap<Channel, string>;
  /** Where Infobip reaches this service's webhook listener; undefined without a public URL. */
  readonly webhookUrls: DefaultWebhookUrls | undefined;
}

/** Channels that have seen reports (InboundSeenChannel). */
const SEEN_CHANNELS: ReadonlySet<Channel> = new Set([
  Channel.RCS,
  Channel.VIBER_BM,
  Channel.VIBER_BOT,
  Channel.WHATSAPP,
]);

/**
 * Fills senders and webhook URLs into a request, in place. What the caller has
 * set stays as it is; an empty URL counts as not set. A URL for clicks goes
 * only into requests that track them.
 */
export function applyDefaults(request: SendMessagesRequest, defaults: RequestDefaults): void {
  if (defaults.webhookUrls) applyTracking(request, defaults.webhookUrls);
  for (const base of request.messages) {
    const message = messageOf(base);
    if (!message) continue;
    applySenders(message, defaults.senders);
    if (defaults.webhookUrls) applyWebhooks(message, defaults.webhookUrls);
  }
}

/** A request without tracking stays without: adding it would make Infobip shorten URLs. */
function applyTracking(request: SendMessagesRequest, urls: DefaultWebhookUrls): void {
  const tracking = request.options?.tracking;
  if (!tracking || tracking.shortenUrl === false || tracking.trackClicks === false) return;
  tracking.trackingUrl ||= urls.click;
}

function applySenders(message: Message | TemplateMessage, senders: ReadonlyMap<Channel, string>): void {
  message.sender ??= senders.get(message.channel);
  for (const base of message.failover) {
    const step = failoverOf(base);
    if (step) step.sender ??= senders.get(step.channel);
  }
}

function applyWebhooks(message: Message | TemplateMessage, urls: DefaultWebhookUrls): void {
  message.webhooks ??= create(WebhooksSchema);
  const { webhooks } = message;
  webhooks.delivery ??= create(DeliverySchema);
  webhooks.delivery.url ||= urls.delivery;
  if (hasSeenReports(message)) webhooks.seen ??= create(SeenStatusReportingSchema);
  if (webhooks.seen) webhooks.seen.url ||= urls.seen;
}

function hasSeenReports(message: Message | TemplateMessage): boolean {
  return (
    SEEN_CHANNELS.has(message.channel) ||
    message.failover.some((base) => SEEN_CHANNELS.has(failoverOf(base)?.channel ?? Channel.UNSPECIFIED))
  );
}
