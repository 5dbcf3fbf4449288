import { create } from "@bufbuild/protobuf";
import { GetSubscriptionResponseSchema } from "../../gen/infobip/events/v1/subscription_requests_pb.js";
import type { EventsMethod, SubscriptionContext } from "./subscription-context.ts";
import { subscriptionId } from "./subscription-names.ts";
import { describeSubscription } from "./subscription-view.ts";

/** Makes the implementation of EventsService.GetSubscription. */
export function createGetSubscription(context: SubscriptionContext): EventsMethod<"getSubscription"> {
  return async ({ name }) => {
    const record = context.engine.get(subscriptionId(name));
    return create(GetSubscriptionResponseSchema, {
      subscription: await describeSubscription(context, record),
    });
  };
}
