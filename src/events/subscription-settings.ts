import { type Duration, durationMs } from "@bufbuild/protobuf/wkt";
import type { EventFilter } from "../../gen/infobip/events/v1/event_filter_pb.js";
import type { Subscription } from "../../gen/infobip/events/v1/subscription_pb.js";
import { ServiceError } from "../errors.ts";
import { compileFilter } from "../eventlog/filter.ts";
import type { SettingsChange, SubscriptionSettings } from "../eventlog/subscription-engine.ts";
import { requestInvalid } from "./request-invalid.ts";

/** Settings of a subscription where a request names none. */
export const DEFAULT_SETTINGS: SubscriptionSettings = {
  filter: undefined,
  maxInFlight: 1_000,
  maxAttempts: 10,
  minBackoffMs: 1_000,
  maxBackoffMs: 600_000,
};

/** One setting: how it is read from a request; undefined when it is not set there. */
const READ: {
  readonly [K in keyof SubscriptionSettings]: (
    subscription: Subscription,
  ) => SubscriptionSettings[K] | undefined;
} = {
  filter: (subscription) => subscription.filter,
  maxInFlight: (subscription) => subscription.maxInFlight,
  maxAttempts: (subscription) => subscription.maxAttempts,
  minBackoffMs: (subscription) => milliseconds(subscription.minBackoff),
  maxBackoffMs: (subscription) => milliseconds(subscription.maxBackoff),
};

/** Names of all settings. */
export const SETTING_NAMES = Object.keys(READ) as (keyof SubscriptionSettings)[];

/** Whether a request sets this setting. */
export function hasSetting(subscription: Subscription, name: keyof SubscriptionSettings): boolean {
  return READ[name](subscription) !== undefined;
}

/** The named settings of a request, those that it does not set as their defaults. */
export function readSettings(
  subscription: Subscription,
  names: readonly (keyof SubscriptionSettings)[],
): SettingsChange {
  return Object.fromEntries(names.map((name) => [name, READ[name](subscription) ?? DEFAULT_SETTINGS[name]]));
}

/**
 * Checks settings as a whole.
 *
 * @throws ServiceError REQUEST_INVALID when the backoffs contradict each other, FILTER_INERT when the filter can
 * never match.
 */
export function checkSettings(settings: SubscriptionSettings): void {
  checkFilter(settings.filter);
  if (settings.maxBackoffMs >= settings.minBackoffMs) return;
  throw requestInvalid(
    "subscription.max_backoff",
    "must not be below min_backoff; where it is not set it is 600 s",
    "max_backoff",
  );
}

function checkFilter(filter: EventFilter | undefined): void {
  try {
    compileFilter(filter);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const violations = error.violations.map((each) => ({ ...each, field: `subscription.${each.field}` }));
    throw new ServiceError(error.code, error.reason, error.message, { violations });
  }
}

function milliseconds(duration: Duration | undefined): number | undefined {
  return duration === undefined ? undefined : Math.round(durationMs(duration));
}
