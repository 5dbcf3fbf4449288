import { ClickReportSchema } from "../../gen/infobip/events/v1/click_report_pb.js";
import { DeliveryResultSchema } from "../../gen/infobip/events/v1/delivery_report_pb.js";
import { type Event, EventType } from "../../gen/infobip/events/v1/event_pb.js";
import {
  InboundTypingStartedEventSchema,
  InboundTypingStoppedEventSchema,
  MoEventSchema,
} from "../../gen/infobip/events/v1/inbound_message_pb.js";
import { SeenResultSchema } from "../../gen/infobip/events/v1/seen_report_pb.js";
import { decodeRest } from "../infobip/codec/decode.ts";
import type { ReportKind } from "./report-kind.ts";

/** Payload of an event that Infobip reports, and that could be read. */
export type ReportPayload = Exclude<Event["payload"], { case: undefined | "sendResult" | "submission" }>;

/** What each kind is in the contract. */
interface KindPlan {
  readonly type: EventType;
  /** JSON property that holds Infobip's time of the news. */
  readonly timeProperty: "doneAt" | "seenAt" | "receivedAt" | "sendDateTime";
  /** Reads an item; undefined when nothing in it says what it is about. */
  readonly read: (item: object) => ReportPayload | undefined;
}

/** How each kind is read. */
export const KIND_PLANS: Readonly<Record<ReportKind, KindPlan>> = {
  DELIVERY: { type: EventType.DELIVERY_REPORT, timeProperty: "doneAt", read: readDelivery },
  SEEN: { type: EventType.SEEN_REPORT, timeProperty: "seenAt", read: readSeen },
  MO: { type: EventType.INBOUND_MESSAGE, timeProperty: "receivedAt", read: readInbound },
  TYPING_STARTED: { type: EventType.TYPING_STARTED, timeProperty: "receivedAt", read: readTypingStarted },
  TYPING_STOPPED: { type: EventType.TYPING_STOPPED, timeProperty: "receivedAt", read: readTypingStopped },
  CLICK: { type: EventType.CLICK, timeProperty: "sendDateTime", read: readClick },
};

function readDelivery(item: object): ReportPayload | undefined {
  const { message } = decodeRest(DeliveryResultSchema, item);
  const usable = message.messageId || message.destination || message.status;
  return usable ? { case: "deliveryReport", value: message } : undefined;
}

function readSeen(item: object): ReportPayload | undefined {
  const { message } = decodeRest(SeenResultSchema, item);
  return message.messageId || message.destination ? { case: "seenReport", value: message } : undefined;
}

function readInbound(item: object): ReportPayload | undefined {
  const { message } = decodeRest(MoEventSchema, item);
  const usable = message.messageId || message.sender || message.content.length > 0;
  return usable ? { case: "inboundMessage", value: message } : undefined;
}

function readTypingStarted(item: object): ReportPayload | undefined {
  const { message } = decodeRest(InboundTypingStartedEventSchema, item);
  return message.messageId || message.sender ? { case: "typingStarted", value: message } : undefined;
}

function readTypingStopped(item: object): ReportPayload | undefined {
  const { message } = decodeRest(InboundTypingStoppedEventSchema, item);
  return message.messageId || message.sender ? { case: "typingStopped", value: message } : undefined;
}

function readClick(item: object): ReportPayload | undefined {
  const { message } = decodeRest(ClickReportSchema, item);
  return message.messageId || message.recipient || message.url
    ? { case: "click", value: message }
    : undefined;
}
