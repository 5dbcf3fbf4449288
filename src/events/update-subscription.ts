import { create } from "@bufbuild/protobuf";
import type { FieldMask } from "@bufbuild/protobuf/wkt";
import type { Subscription } from "../../gen/infobip/events/v1/subscription_pb.js";
import { UpdateSubscriptionResponseSchema } from "../../gen/infobip/events/v1/subscription_requests_pb.js";
import type { SubscriptionSettings } from "../eventlog/subscription-engine.ts";
import { requestInvalid } from "./request-invalid.ts";
import type { EventsMethod, SubscriptionContext } from "./subscription-context.ts";
import { subscriptionId } from "./subscription-names.ts";
import { checkSettings, hasSetting, readSettings, SETTING_NAMES } from "./subscription-settings.ts";
import { describeSubscription } from "./subscription-view.ts";

type SettingName = keyof SubscriptionSettings;

const BY_PATH: ReadonlyMap<string, SettingName> = new Map([
  ["filter", "filter"],
  ["max_in_flight", "maxInFlight"],
  ["max_attempts", "maxAttempts"],
  ["min_backoff", "minBackoffMs"],
  ["max_backoff", "maxBackoffMs"],
]);
/** Fields that a mask may name, as that of a client which sends back what it read, and that are never changed. */
const UNCHANGING = new Set(["name", "create_time", "update_time", "filter_cursor", "status"]);

/**
 * Makes the implementation of EventsService.UpdateSubscription. Field masks
 * mean what AIP-134 says.
 */
export function createUpdateSubscription(context: SubscriptionContext): EventsMethod<"updateSubscription"> {
  return async ({ subscription, updateMask }) => {
    if (subscription === undefined) throw requestInvalid("subscription", "must be set", "required");
    const id = subscriptionId(subscription.name);
    const names = settingNames(subscription, updateMask);
    const change = readSettings(subscription, names);
    const before = context.engine.get(id);
    checkSettings({ ...before.settings, ...change });
    const after = names.length === 0 ? before : await context.engine.update(id, change);
    return create(UpdateSubscriptionResponseSchema, {
      subscription: await describeSubscription(context, after),
    });
  };
}

function settingNames(subscription: Subscription, mask: FieldMask | undefined): readonly SettingName[] {
  if (mask === undefined || mask.paths.length === 0)
    return SETTING_NAMES.filter((name) => hasSetting(subscription, name));
  const names = new Set<SettingName>();
  for (const [index, path] of mask.paths.entries()) {
    const name = BY_PATH.get(path);
    if (path === "*") return SETTING_NAMES;
    if (name !== undefined) names.add(name);
    else if (!UNCHANGING.has(path)) throw unknownPath(index);
  }
  return [...names];
}

function unknownPath(index: number): Error {
  const paths = [...BY_PATH.keys()].join(", ");
  return requestInvalid(`update_mask.paths[${index}]`, `must be one of ${paths}, or *`, "field_mask");
}
