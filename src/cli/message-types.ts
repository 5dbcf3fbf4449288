import type { DescMessage } from "@bufbuild/protobuf";
import { ClickReportSchema } from "../../gen/infobip/events/v1/click_report_pb.js";
import { DeliveryReportResponseSchema } from "../../gen/infobip/events/v1/delivery_report_pb.js";
import { IncomingMessageResponseSchema } from "../../gen/infobip/events/v1/inbound_message_pb.js";
import { SeenReportSchema } from "../../gen/infobip/events/v1/seen_report_pb.js";
import { SendEventsRequestSchema } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import { SendMessagesRequestSchema } from "../../gen/infobip/messages/v1/send_messages_pb.js";

/** REST bodies that can be translated, by the word of `--type`. */
export const MESSAGE_TYPES = {
  send: SendMessagesRequestSchema,
  events: SendEventsRequestSchema,
  delivery: DeliveryReportResponseSchema,
  seen: SeenReportSchema,
  // What a fetch answers: a webhook body, with two counts that a webhook leaves out.
  inbound: IncomingMessageResponseSchema,
  click: ClickReportSchema,
} as const satisfies Record<string, DescMessage>;

/** Bodies that Infobip writes: what is new in them is kept or left out, never a reason to refuse them. */
export const RECEIVED_TYPES: ReadonlySet<MessageType> = new Set(["delivery", "seen", "inbound", "click"]);

/** Word of `--type`. */
export type MessageType = keyof typeof MESSAGE_TYPES;
