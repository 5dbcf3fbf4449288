import type { Channel } from "../../gen/infobip/messages/v1/channel_pb.js";
import type { ChannelDestination, MessageDestination } from "../../gen/infobip/messages/v1/destination_pb.js";
import type { SendEventsRequest } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import type { SendMessagesRequest } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { messageOf } from "./message-of.ts";

/** One destination of a request: where its result belongs. */
export interface DestinationSlot {
  readonly messageIndex: number;
  readonly destinationIndex: number;
  /** Id the request leaves with. */
  readonly messageId: string;
}

/** Makes a message id that is unique everywhere and sorts by time. */
export type NewMessageId = () => string;

/** Gives every destination without a message id one, in place, and lists the destinations in order. */
export function slotsOfMessages(request: SendMessagesRequest, newId: NewMessageId): DestinationSlot[] {
  const slots: DestinationSlot[] = [];
  request.messages.forEach((base, messageIndex) => {
    const message = messageOf(base);
    message?.destinations.forEach((destination, destinationIndex) => {
      slots.push({
        messageIndex,
        destinationIndex,
        messageId: ensureId(destination, message.channel, newId),
      });
    });
  });
  return slots;
}

/** As {@link slotsOfMessages}, for the destinations of events. */
export function slotsOfEvents(request: SendEventsRequest, newId: NewMessageId): DestinationSlot[] {
  const slots: DestinationSlot[] = [];
  request.events.forEach((outbound, messageIndex) => {
    outbound.event.value?.destinations.forEach((destination, destinationIndex) => {
      destination.messageId ||= newId();
      slots.push({ messageIndex, destinationIndex, messageId: destination.messageId });
    });
  });
  return slots;
}

function ensureId(destination: MessageDestination, channel: Channel, newId: NewMessageId): string {
  const { kind } = destination;
  if (kind.case === "toDestination") {
    kind.value.messageId ||= newId();
    return kind.value.messageId;
  }
  if (kind.case !== "channelsDestination") return "";
  // An id beside the list overrides the ids inside it, so a caller's own inner
  // ids must not be covered by one of ours.
  if (!kind.value.messageId && kind.value.byChannel.some((entry) => entry.messageId)) {
    return ensureInnerIds(kind.value.byChannel, channel, newId);
  }
  kind.value.messageId ||= newId();
  return kind.value.messageId;
}

/** Gives every entry an id, so that each step's reports carry one that is known here; returns the first step's. */
function ensureInnerIds(
  entries: readonly ChannelDestination[],
  channel: Channel,
  newId: NewMessageId,
): string {
  for (const entry of entries) entry.messageId ||= newId();
  const own = entries.find((entry) => entry.channel === channel) ?? entries[0];
  return own?.messageId ?? "";
}
