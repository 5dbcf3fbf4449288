import type { Channel } from "../../gen/infobip/messages/v1/channel_pb.js";
import { Channel as Channels } from "../../gen/infobip/messages/v1/channel_pb.js";
import type { ChannelsDestination } from "../../gen/infobip/messages/v1/destination_pb.js";
import type { MessageContent } from "../../gen/infobip/messages/v1/message_content_pb.js";
import type { BaseFailover, Message, TemplateMessage } from "../../gen/infobip/messages/v1/message_pb.js";
import { type CelPredicate, celPredicate } from "./cel-predicate.ts";
import { hasRepeats } from "./repeats.ts";

type AnyKind = Message | TemplateMessage;

const KINDS = ["Message", "TemplateMessage"];
/** More steps than this break the bound of the list, which has a rule of its own. */
const MAX_FAILOVER_STEPS = 9;
const MAX_CHANNELS = 10;

/** Rules of messages, failover steps and destinations. */
export const MESSAGE_PREDICATES: readonly CelPredicate[] = [
  celPredicate<AnyKind>(
    "failover_channels_unique",
    KINDS,
    "size(this.failover) > 9 || this.failover.map(f, has(f.template_failover) ? f.template_failover.channel : f.failover.channel).unique()",
    ({ failover }) => failover.length > MAX_FAILOVER_STEPS || !hasRepeats(failover, channelOf),
  ),
  celPredicate<AnyKind>(
    "failover_not_onto_own_channel",
    KINDS,
    "size(this.failover) > 9 || this.failover.all(f, (has(f.template_failover) ? f.template_failover.channel : f.failover.channel) != this.channel)",
    ({ failover, channel }) =>
      failover.length > MAX_FAILOVER_STEPS || failover.every((step) => channelOf(step) !== channel),
  ),
  celPredicate<AnyKind>(
    "failover_needs_channels_destinations",
    KINDS,
    "size(this.failover) == 0 || this.destinations.all(d, has(d.channels_destination))",
    ({ failover, destinations }) =>
      failover.length === 0 || destinations.every(({ kind }) => kind.case === "channelsDestination"),
  ),
  celPredicate<AnyKind>(
    "channels_destination_covers_own_channel",
    KINDS,
    "this.destinations.all(d, !has(d.channels_destination) || d.channels_destination.by_channel.exists(c, c.channel == this.channel))",
    coversOwnChannel,
  ),
  celPredicate<Message>(
    "whatsapp_one_shipping",
    ["Message"],
    "(this.channel != 10 || !has(this.content.body.order_request) || size(this.content.body.order_request.shippings) <= 1) && (size(this.failover) > 9 || this.failover.all(f, !has(f.failover) || f.failover.channel != 10 || !has(f.failover.content.body.order_request) || size(f.failover.content.body.order_request.shippings) <= 1))",
    hasOneShippingOnWhatsapp,
  ),
  celPredicate<ChannelsDestination>(
    "by_channel_unique",
    ["ChannelsDestination"],
    "size(this.by_channel) > 10 || this.by_channel.map(c, c.channel).unique()",
    ({ byChannel }) => byChannel.length > MAX_CHANNELS || !hasRepeats(byChannel, ({ channel }) => channel),
  ),
];

function channelOf({ kind }: BaseFailover): Channel {
  return kind.value?.channel ?? Channels.UNSPECIFIED;
}

function coversOwnChannel({ destinations, channel }: AnyKind): boolean {
  for (const { kind } of destinations) {
    if (kind.case !== "channelsDestination") continue;
    if (!kind.value.byChannel.some((address) => address.channel === channel)) return false;
  }
  return true;
}

function hasOneShippingOnWhatsapp({ channel, content, failover }: Message): boolean {
  if (channel === Channels.WHATSAPP && shippingsOf(content) > 1) return false;
  if (failover.length === 0 || failover.length > MAX_FAILOVER_STEPS) return true;
  return failover.every(
    ({ kind }) =>
      kind.case !== "failover" ||
      kind.value.channel !== Channels.WHATSAPP ||
      shippingsOf(kind.value.content) <= 1,
  );
}

function shippingsOf(content: MessageContent | undefined): number {
  const type = content?.body?.type;
  return type?.case === "orderRequest" ? type.value.shippings.length : 0;
}
