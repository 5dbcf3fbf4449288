import { create } from "@bufbuild/protobuf";
import { Channel } from "../../gen/infobip/messages/v1/channel_pb.js";
import { MessageOptionsSchema } from "../../gen/infobip/messages/v1/message_options_pb.js";
import type { Message, TemplateMessage } from "../../gen/infobip/messages/v1/message_pb.js";
import type { SendEventsRequest } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import { EventOptionsSchema } from "../../gen/infobip/messages/v1/outbound_event_pb.js";
import type { SendMessagesRequest } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { failoverOf, messageOf } from "../messages/message-of.ts";
import type { RequestDefaults } from "../messages/request-defaults.ts";
import type { Caller } from "../rpc/caller.ts";
import { PermissionFindings } from "./permission-findings.ts";
import { permittedPlatform } from "./platform-rule.ts";

const MESSAGE_FIELDS = { message: "message", templateMessage: "template_message" } as const;
const FAILOVER_FIELDS = { failover: "failover", templateFailover: "template_failover" } as const;
const EVENT_FIELDS = {
  typingStarted: "typing_started",
  typingStopped: "typing_stopped",
  seen: "seen",
} as const;

/** The parts of requests that hold messages. */
export type MessagesToSend = Pick<SendMessagesRequest, "messages" | "options">;

/** What has a channel and a sender: a message, a failover step or an event. */
interface Sent {
  readonly channel: Channel;
  sender?: string | undefined;
}

/** Destinations of all messages. Takes requests that were not validated. */
export function countDestinations({ messages }: MessagesToSend): number {
  let count = 0;
  for (const base of messages) count += messageOf(base)?.destinations.length ?? 0;
  return count;
}

/** As {@link countDestinations}, for events. */
export function countEventDestinations({ events }: SendEventsRequest): number {
  let count = 0;
  for (const { event } of events) count += event.value?.destinations.length ?? 0;
  return count;
}

/**
 * Checks that the messages use nothing but what their caller may use, and fills
 * in what follows from that: the only application or entity, and the default
 * sender, so that no other process chooses another one. Takes requests that were not validated.
 * Throws CHANNEL_FORBIDDEN, SENDER_FORBIDDEN, PLATFORM_FORBIDDEN or WEBHOOK_URL_FORBIDDEN.
 */
export function permitMessages(request: MessagesToSend, caller: Caller, defaults: RequestDefaults): void {
  const findings = new PermissionFindings();
  for (const [index, base] of request.messages.entries()) {
    const message = messageOf(base);
    if (message === undefined || base.kind.case === undefined) continue;
    permitMessage(
      message,
      `messages[${index}].${MESSAGE_FIELDS[base.kind.case]}`,
      caller,
      defaults,
      findings,
    );
  }
  permitUrl(
    request.options?.tracking?.trackingUrl,
    defaults.webhookUrls?.click,
    "options.tracking.tracking_url",
    {
      caller,
      findings,
    },
  );
  findings.refuse();
}

/** As {@link permitMessages}, for events. */
export function permitEvents({ events }: SendEventsRequest, caller: Caller): void {
  const findings = new PermissionFindings();
  for (const [index, { event }] of events.entries()) {
    if (event.case === undefined) continue;
    const field = `events[${index}].${EVENT_FIELDS[event.case]}`;
    const { value } = event;
    permitSent(value, field, caller, undefined, findings);
    const given = value.options?.platform;
    const platform = permittedPlatform(caller, given, `${field}.options.platform`, findings);
    if (platform === given) continue;
    value.options ??= create(EventOptionsSchema);
    value.options.platform = platform;
  }
  findings.refuse();
}

function permitMessage(
  message: Message | TemplateMessage,
  field: string,
  caller: Caller,
  defaults: RequestDefaults,
  findings: PermissionFindings,
): void {
  permitSent(message, field, caller, defaults, findings);
  for (const [index, base] of message.failover.entries()) {
    const step = failoverOf(base);
    if (step === undefined || base.kind.case === undefined) continue;
    permitSent(
      step,
      `${field}.failover[${index}].${FAILOVER_FIELDS[base.kind.case]}`,
      caller,
      defaults,
      findings,
    );
  }
  const given = message.options?.platform;
  const platform = permittedPlatform(caller, given, `${field}.options.platform`, findings);
  if (platform !== given) {
    message.options ??= create(MessageOptionsSchema);
    message.options.platform = platform;
  }
  const { webhooks } = message;
  const whose = { caller, findings };
  permitUrl(webhooks?.delivery?.url, defaults.webhookUrls?.delivery, `${field}.webhooks.delivery.url`, whose);
  permitUrl(webhooks?.seen?.url, defaults.webhookUrls?.seen, `${field}.webhooks.seen.url`, whose);
}

function permitSent(
  sent: Sent,
  field: string,
  { channels, senders }: Caller,
  defaults: RequestDefaults | undefined,
  findings: PermissionFindings,
): void {
  if (channels !== undefined && !channels.has(sent.channel)) {
    findings.add("CHANNEL_FORBIDDEN", `${field}.channel`, `must be one of ${namesOf(channels)}`);
  }
  if (senders === undefined) return;
  const sender = sent.sender ?? defaults?.senders.get(sent.channel);
  if (sender !== undefined && senders.has(sender)) sent.sender = sender;
  else findings.add("SENDER_FORBIDDEN", `${field}.sender`, adviceOf(sent.sender, sender));
}

function adviceOf(given: string | undefined, used: string | undefined): string {
  if (given !== undefined) return "must be one of this caller's senders";
  return used === undefined
    ? "must name one of this caller's senders"
    : "must name one of this caller's senders: the service's default is none of them";
}

/** Where reports go is no secret, but whoever gets them sees them: the service's own address is for everyone. */
function permitUrl(
  url: string | undefined,
  own: string | undefined,
  field: string,
  { caller, findings }: { readonly caller: Caller; readonly findings: PermissionFindings },
): void {
  if (url === undefined || url === "" || url === own || caller.webhookUrls === true) return;
  findings.add(
    "WEBHOOK_URL_FORBIDDEN",
    field,
    "must be left out: reports of this caller's messages come to this service only",
  );
}

function namesOf(channels: ReadonlySet<Channel>): string {
  return [...channels].map((channel) => Channel[channel]).join(", ");
}
