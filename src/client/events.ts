/** Every message, enum and service of infobip.events.v1. */
export * from "../../gen/infobip/events/v1/click_report_pb.js";
export * from "../../gen/infobip/events/v1/delivery_report_pb.js";
export * from "../../gen/infobip/events/v1/event_filter_pb.js";
export * from "../../gen/infobip/events/v1/event_pb.js";
export * from "../../gen/infobip/events/v1/events_service_pb.js";
export * from "../../gen/infobip/events/v1/history_pb.js";
export * from "../../gen/infobip/events/v1/inbound_message_pb.js";
export * from "../../gen/infobip/events/v1/mo_content_pb.js";
export * from "../../gen/infobip/events/v1/positions_pb.js";
export * from "../../gen/infobip/events/v1/seen_report_pb.js";
export * from "../../gen/infobip/events/v1/send_answer_pb.js";
export * from "../../gen/infobip/events/v1/submission_change_pb.js";
export * from "../../gen/infobip/events/v1/subscribe_pb.js";
export * from "../../gen/infobip/events/v1/subscription_pb.js";
export * from "../../gen/infobip/events/v1/subscription_requests_pb.js";
