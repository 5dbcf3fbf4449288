import { create, type DescMessage, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { expect, test } from "vitest";
import { ChannelsDestinationSchema } from "../gen/infobip/messages/v1/destination_pb.js";
import { MessageFlowActionPayloadSchema } from "../gen/infobip/messages/v1/message_flow_pb.js";
import {
  MessageFormBodySchema,
  MessageSelectFormPageSchema,
} from "../gen/infobip/messages/v1/message_form_pb.js";
import {
  MessageListSectionSchema,
  MessageProductBodySchema,
} from "../gen/infobip/messages/v1/message_list_pb.js";
import {
  DeliveryTimeWindowSchema,
  ValidityPeriodSchema,
} from "../gen/infobip/messages/v1/message_options_pb.js";
import {
  MessageOrderExpirationSchema,
  MessageShippingSchema,
} from "../gen/infobip/messages/v1/message_order_pb.js";
import { MessageApplePayPaymentConfigurationSchema } from "../gen/infobip/messages/v1/message_payment_pb.js";
import { MessageSchema } from "../gen/infobip/messages/v1/message_pb.js";
import {
  RequestSchedulingSettingsSchema,
  UrlOptionsSchema,
} from "../gen/infobip/messages/v1/request_options_pb.js";
import { StreamSendSchema } from "../gen/infobip/messages/v1/stream_messages_pb.js";
import { SubmitMessagesRequestSchema } from "../gen/infobip/messages/v1/submission_pb.js";
import { TemplateTextBodySchema } from "../gen/infobip/messages/v1/template_pb.js";
import { certainlyValid } from "../src/validation/fast-accept.ts";

const judge = createValidator();
const payment = { subtotal: 1, total: { value: 1 } };
const text = { body: { text: { text: "t" } } };
const order = (shippings: number) => ({
  body: { orderRequest: { text: "t", payment, shippings: new Array(shippings).fill({ amount: 1 }) } },
});
const by = (...channels: string[]) => ({
  channelsDestination: { byChannel: channels.map((channel) => ({ channel, to: "1" })) },
});
const sms = { channel: "CHANNEL_SMS", content: text, destinations: [{ toDestination: { to: "1" } }] };
const step = (channel: string, content: object = text) => ({ failover: { channel, content } });
const over = (destination: object, ...failover: object[]) => ({
  ...sms,
  destinations: [destination],
  failover,
});
const ALL = by("CHANNEL_SMS", "CHANNEL_VIBER_BM", "CHANNEL_RCS", "CHANNEL_WHATSAPP");
const VIBER = step("CHANNEL_VIBER_BM");
const items = (...ids: (string | undefined)[]) => ({
  sectionTitle: "t",
  items: ids.map((id) => ({ id, text: "t" })),
});
const pay = (...merchantCapabilities: number[]) => ({ merchantCapabilities });
const networks = (...supportedNetworks: number[]) => ({ supportedNetworks });
const page = (pageIdentifier: string, multipleSelection: boolean) => ({
  text: "t",
  pageIdentifier,
  multipleSelection,
  items: [{ identifier: "i", title: "t", value: "v", nextPageIdentifier: "p2" }],
});
const form = (startPageIdentifier: string) => ({
  text: "t",
  startPageIdentifier,
  pages: [{ intro: {} }, { select: page("p1", false) }, { input: { text: "t", pageIdentifier: "p2" } }],
});
const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
const at = (hour: number, minute = 0) => ({ hour, minute });

const window = (from: object | undefined, to: object | undefined) => ({
  days: ["DELIVERY_DAY_MONDAY"],
  from,
  to,
});

/** Rule, type, a message that keeps the rule, and one that breaks it and nothing else. */
const CASES: readonly (readonly [rule: string, schema: DescMessage, keeps: object, breaks: object])[] = [
  ["failover_channels_unique", MessageSchema, over(ALL, VIBER, step("CHANNEL_RCS")), over(ALL, VIBER, VIBER)],
  ["failover_not_onto_own_channel", MessageSchema, over(ALL, VIBER), over(ALL, step("CHANNEL_SMS"))],
  [
    "failover_needs_channels_destinations",
    MessageSchema,
    over(ALL, VIBER),
    over({ toDestination: { to: "1" } }, VIBER),
  ],
  ["channels_destination_covers_own_channel", MessageSchema, over(ALL), over(by("CHANNEL_RCS"))],
  [
    "whatsapp_one_shipping",
    MessageSchema,
    { ...sms, channel: "CHANNEL_WHATSAPP", content: order(1) },
    { ...sms, channel: "CHANNEL_WHATSAPP", content: order(2) },
  ],
  [
    "whatsapp_one_shipping",
    MessageSchema,
    over(ALL, step("CHANNEL_APPLE_MB", order(2))),
    over(ALL, step("CHANNEL_WHATSAPP", order(2))),
  ],
  [
    "by_channel_unique",
    ChannelsDestinationSchema,
    ALL.channelsDestination,
    by("CHANNEL_SMS", "CHANNEL_RCS", "CHANNEL_SMS").channelsDestination,
  ],
  [
    "list_item_ids_unique",
    MessageListSectionSchema,
    items("1", undefined, undefined, "2"),
    items("1", "2", "1"),
  ],
  [
    "product_sections_titled",
    MessageProductBodySchema,
    {
      catalogId: "c",
      sections: [
        { title: "a", productRetailerIds: ["1"] },
        { title: "b", productRetailerIds: ["1"] },
      ],
    },
    {
      catalogId: "c",
      sections: [{ title: "a", productRetailerIds: ["1"] }, { productRetailerIds: ["1"] }],
    },
  ],
  [
    "flow_data_not_empty",
    MessageFlowActionPayloadSchema,
    { screen: "s", data: { a: [{}] } },
    { screen: "s", data: {} },
  ],
  ["two_decimal_places", MessageShippingSchema, { amount: 1.15 }, { amount: 1.155 }],
  ["two_decimal_places", MessageShippingSchema, { amount: -1.15 }, { amount: -1.155 }],
  ["two_decimal_places", MessageShippingSchema, { amount: 1e10 + 0.125 }, { amount: 1e9 + 0.125 }],
  ["apple_pay_requires_3ds", MessageApplePayPaymentConfigurationSchema, pay(1, 2), pay(2)],
  ["apple_pay_networks", MessageApplePayPaymentConfigurationSchema, networks(2, 9), networks(2)],
  ["form_start_page_exists", MessageFormBodySchema, form("p2"), form("p3")],
  ["select_item_next_page", MessageSelectFormPageSchema, page("p1", false), page("p1", true)],
  [
    "placeholder_key_type_reserved",
    TemplateTextBodySchema,
    { placeholders: { a: "1" } },
    { placeholders: { type: "1" } },
  ],
  [
    "send_at_within_180_days",
    RequestSchedulingSettingsSchema,
    { sendAt: inDays(179.9) },
    { sendAt: inDays(180.1) },
  ],
  [
    "send_after_within_180_days",
    SubmitMessagesRequestSchema,
    { requestId: "r", messages: [{ message: sms }], sendAfter: inDays(179.9) },
    { requestId: "r", messages: [{ message: sms }], sendAfter: inDays(180.1) },
  ],
  [
    "order_expiration_5_minutes_ahead",
    MessageOrderExpirationSchema,
    { timestamp: inDays(0.0045) },
    { timestamp: inDays(0.001) },
  ],
  [
    "order_expiration_5_minutes_ahead",
    MessageOrderExpirationSchema,
    { timestamp: inDays(-1) },
    { timestamp: inDays(0.003) },
  ],
  [
    "shorten_url_needed_by_tracking",
    UrlOptionsSchema,
    { shortenUrl: false, trackClicks: false, removeProtocol: false },
    { shortenUrl: false, trackingUrl: "" },
  ],
  ["validity_at_least_10_seconds", ValidityPeriodSchema, { amount: 1 }, { amount: 9, timeUnit: 1 }],
  [
    "delivery_window_both_ends",
    DeliveryTimeWindowSchema,
    window(undefined, undefined),
    window(at(1), undefined),
  ],
  [
    "delivery_window_at_least_one_hour",
    DeliveryTimeWindowSchema,
    window(at(9, 30), at(10, 30)),
    window(at(9), at(9, 59)),
  ],
  [
    "delivery_window_at_least_one_hour",
    DeliveryTimeWindowSchema,
    window(at(23, 30), at(0, 30)),
    window(at(23, 30), at(0, 29)),
  ],
];

test.for(CASES)("%s", ([rule, schema, keeps, breaks]) => {
  const broken = fromJson(schema, withoutUnset(breaks));
  const { violations = [] } = judge.validate(schema, broken);
  expect(violations.map(({ ruleId }) => ruleId)).toEqual([rule]);
  expect(certainlyValid(schema, broken)).toBe(false);
  const kept = fromJson(schema, withoutUnset(keeps));
  expect(judge.validate(schema, kept).violations).toBeUndefined();
  expect(certainlyValid(schema, kept)).toBe(true);
});

function withoutUnset(value: object): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}

test("a duration whose parts do not fit together is not judged by its seconds", () => {
  const send = create(StreamSendSchema, {
    clientRef: "a",
    timeout: { seconds: 3599n, nanos: 2_000_000_000 },
  });
  expect(certainlyValid(StreamSendSchema, send)).toBe(false);
  const sound = create(StreamSendSchema, { clientRef: "a", timeout: { seconds: 3599n, nanos: 999_999_999 } });
  expect(certainlyValid(StreamSendSchema, sound)).toBe(true);
});
