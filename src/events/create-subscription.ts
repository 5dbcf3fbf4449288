import { create } from "@bufbuild/protobuf";
import { CreateSubscriptionResponseSchema } from "../../gen/infobip/events/v1/subscription_requests_pb.js";
import { resolvePosition } from "./log-position.ts";
import { requestInvalid } from "./request-invalid.ts";
import type { EventsMethod, SubscriptionContext } from "./subscription-context.ts";
import { subscriptionId } from "./subscription-names.ts";
import { checkSettings, DEFAULT_SETTINGS, readSettings, SETTING_NAMES } from "./subscription-settings.ts";
import { describeSubscription } from "./subscription-view.ts";

/** Makes the implementation of EventsService.CreateSubscription. */
export function createCreateSubscription(context: SubscriptionContext): EventsMethod<"createSubscription"> {
  return async ({ subscription, from }) => {
    if (subscription === undefined) throw requestInvalid("subscription", "must be set", "required");
    const settings = { ...DEFAULT_SETTINGS, ...readSettings(subscription, SETTING_NAMES) };
    checkSettings(settings);
    const position = await resolvePosition(context.log, from);
    const record = await context.engine.create(subscriptionId(subscription.name), settings, position);
    return create(CreateSubscriptionResponseSchema, {
      subscription: await describeSubscription(context, record),
    });
  };
}
