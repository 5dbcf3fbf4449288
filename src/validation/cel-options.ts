import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  type DeliveryTime,
  type DeliveryTimeWindow,
  type ValidityPeriod,
  ValidityPeriodTimeUnit,
} from "../../gen/infobip/messages/v1/message_options_pb.js";
import type { UrlOptions } from "../../gen/infobip/messages/v1/request_options_pb.js";
import { type CelPredicate, celPredicate } from "./cel-predicate.ts";
import { compareSpans, isSoundTimestamp, secondsFromNow } from "./time.ts";

const MAX_AHEAD_SECONDS = 15_552_000;
const MIN_EXPIRATION_SECONDS = 300;
const MINUTES_A_DAY = 1440;

/** Rules of options: when and how to send. */
export const OPTION_PREDICATES: readonly CelPredicate[] = [
  celPredicate<Timestamp>(
    "send_at_within_180_days",
    ["RequestSchedulingSettings.send_at"],
    "this <= now + duration('15552000s')",
    isWithin180Days,
  ),
  celPredicate<Timestamp>(
    "send_after_within_180_days",
    ["SubmitMessagesRequest.send_after"],
    "this <= now + duration('15552000s')",
    isWithin180Days,
  ),
  celPredicate<Timestamp>(
    "order_expiration_5_minutes_ahead",
    ["MessageOrderExpiration.timestamp"],
    "this >= now + duration('300s') || this < now",
    (time) =>
      isSoundTimestamp(time) &&
      (compareSpans(time, secondsFromNow(MIN_EXPIRATION_SECONDS)) >= 0 ||
        compareSpans(time, secondsFromNow(0)) < 0),
  ),
  celPredicate<UrlOptions>(
    "shorten_url_needed_by_tracking",
    ["UrlOptions"],
    "!has(this.shorten_url) || this.shorten_url || !((has(this.track_clicks) && this.track_clicks) || has(this.tracking_url) || (has(this.remove_protocol) && this.remove_protocol) || has(this.custom_domain))",
    ({ shortenUrl, trackClicks, trackingUrl, removeProtocol, customDomain }) =>
      shortenUrl !== false ||
      !(trackClicks || trackingUrl !== undefined || removeProtocol || customDomain !== undefined),
  ),
  celPredicate<ValidityPeriod>(
    "validity_at_least_10_seconds",
    ["ValidityPeriod"],
    "this.time_unit == 1 ? this.amount >= 10 : this.amount >= 1",
    ({ timeUnit, amount = 0 }) => amount >= (timeUnit === ValidityPeriodTimeUnit.SECONDS ? 10 : 1),
  ),
  celPredicate<DeliveryTimeWindow>(
    "delivery_window_both_ends",
    ["DeliveryTimeWindow"],
    "has(this.from) == has(this.to)",
    ({ from, to }) => (from === undefined) === (to === undefined),
  ),
  celPredicate<DeliveryTimeWindow>(
    "delivery_window_at_least_one_hour",
    ["DeliveryTimeWindow"],
    "!has(this.from) || !has(this.to) || (this.to.hour * 60 + this.to.minute) - (this.from.hour * 60 + this.from.minute) >= 60 || ((this.to.hour * 60 + this.to.minute) < (this.from.hour * 60 + this.from.minute) && (this.to.hour * 60 + this.to.minute) + 1440 - (this.from.hour * 60 + this.from.minute) >= 60)",
    ({ from, to }) => from === undefined || to === undefined || isOneHour(minuteOf(from), minuteOf(to)),
  ),
];

function isWithin180Days(time: Timestamp): boolean {
  return isSoundTimestamp(time) && compareSpans(time, secondsFromNow(MAX_AHEAD_SECONDS)) <= 0;
}

function minuteOf({ hour = 0, minute = 0 }: DeliveryTime): number {
  return hour * 60 + minute;
}

function isOneHour(from: number, to: number): boolean {
  return to - from >= 60 || (to < from && to + MINUTES_A_DAY - from >= 60);
}
