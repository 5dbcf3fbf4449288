import type { AcceptedMessage, Attempt } from "./accepted-message.ts";
import { formatInstant } from "./date-format.ts";
import { errorOf, STATUSES, type StatusName } from "./statuses.ts";

/** One item of a webhook body, as a JSON object in Infobip's own property names. */
export type CallbackItem = Readonly<Record<string, unknown>>;

/** Channels on which a message can be reported as seen. */
export const SEEN_CHANNELS: ReadonlySet<string> = new Set(["RCS", "VIBER_BM", "VIBER_BOT", "WHATSAPP"]);
/** Channels on which messages come in. */
export const INBOUND_CHANNELS: ReadonlySet<string> = new Set([
  "APPLE_MB",
  "INSTAGRAM_DM",
  "MESSENGER",
  "MMS",
  "RCS",
  "SMS",
  "VIBER_BM",
  "VIBER_BOT",
  "WHATSAPP",
]);
/** Channels on which URLs are tracked. */
export const TRACKED_CHANNELS: ReadonlySet<string> = new Set([
  "APPLE_MB",
  "MMS",
  "RCS",
  "SMS",
  "VIBER_BM",
  "WHATSAPP",
]);
/** Channels of each typing event. */
export const TYPING_CHANNELS = {
  TYPING_STARTED: new Set(["APPLE_MB", "RCS"]) as ReadonlySet<string>,
  TYPING_STOPPED: new Set(["APPLE_MB"]) as ReadonlySet<string>,
};

const NO_LINK = "https://www.example.com/";

/** Item of a delivery report. */
export function deliveryItem(
  message: AcceptedMessage,
  attempt: Attempt,
  status: StatusName,
  doneAtMs: number,
): CallbackItem {
  return {
    event: "DELIVERY",
    ...addressed(attempt),
    sentAt: formatInstant(message.sendAtMs),
    doneAt: formatInstant(doneAtMs),
    bulkId: message.bulkId,
    messageId: attempt.messageId,
    callbackData: message.callbackData,
    messageCount: message.messageCount,
    status: STATUSES[status],
    error: errorOf(status),
    platform: message.platform,
    campaignReferenceId: message.campaignReferenceId,
  };
}

/** Item of a seen report. */
export function seenItem(message: AcceptedMessage, attempt: Attempt, seenAtMs: number): CallbackItem {
  return {
    event: "SEEN",
    ...addressed(attempt),
    sentAt: formatInstant(message.sendAtMs),
    seenAt: formatInstant(seenAtMs),
    bulkId: message.bulkId,
    messageId: attempt.messageId,
    callbackData: message.callbackData,
    platform: message.platform,
    campaignReferenceId: message.campaignReferenceId,
  };
}

function addressed(attempt: Attempt) {
  return { channel: attempt.channel, sender: attempt.sender, destination: attempt.to };
}

/** Item of the inbound webhook for a recipient's reply; sender and destination change places. */
export function replyItem(
  message: AcceptedMessage,
  attempt: Attempt,
  receivedAtMs: number,
  nextId: () => string,
): CallbackItem {
  return {
    ...turnedRound(attempt),
    content: [{ text: "Reply", cleanText: "Reply", type: "TEXT" }],
    receivedAt: formatInstant(receivedAtMs),
    messageId: nextId(),
    pairedMessageId: attempt.messageId,
    callbackData: message.callbackData,
    messageCount: 1,
    platform: message.platform,
    campaignReferenceId: message.campaignReferenceId,
    metadata: { correlationData: message.correlationData ?? nextId() },
    event: "MO",
  };
}

/** Item of the inbound webhook for a recipient who begins to type. */
export function typingItem(
  message: AcceptedMessage,
  attempt: Attempt,
  receivedAtMs: number,
  nextId: () => string,
): CallbackItem {
  return {
    ...turnedRound(attempt),
    receivedAt: formatInstant(receivedAtMs),
    messageId: nextId(),
    pairedMessageId: attempt.messageId,
    callbackData: message.callbackData,
    platform: message.platform,
    event: "TYPING_STARTED",
  };
}

function turnedRound(attempt: Attempt) {
  return { channel: attempt.channel, sender: attempt.to, destination: attempt.sender };
}

/** Body of a click report: a single object, not within `results`. */
export function clickBody(message: AcceptedMessage, attempt: Attempt, clickedAtMs: number): CallbackItem {
  return {
    notificationType: "CLICKED",
    recipient: attempt.to,
    url: message.link ?? NO_LINK,
    sendDateTime: clickedAtMs,
    messageId: attempt.messageId,
    bulkId: message.bulkId,
    callbackData: message.callbackData,
    recipientInfo: { deviceType: "Phone", os: "iOS 12", deviceName: "Apple" },
    geoLocationInfo: { countryName: "United States", city: "Los Angeles" },
    applicationId: message.platform?.applicationId,
    entityId: message.platform?.entityId,
  };
}
