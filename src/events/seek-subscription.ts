import { create } from "@bufbuild/protobuf";
import { SeekSubscriptionResponseSchema } from "../../gen/infobip/events/v1/subscription_requests_pb.js";
import { resolvePosition } from "./log-position.ts";
import type { EventsMethod, SubscriptionContext } from "./subscription-context.ts";
import { subscriptionId } from "./subscription-names.ts";
import { describeSubscription } from "./subscription-view.ts";

/** Makes the implementation of EventsService.SeekSubscription. */
export function createSeekSubscription(context: SubscriptionContext): EventsMethod<"seekSubscription"> {
  return async ({ name, to }) => {
    const id = subscriptionId(name);
    // An unknown subscription is the better news when the position is wrong as well.
    context.engine.get(id);
    const record = await context.engine.seek(id, await resolvePosition(context.log, to));
    return create(SeekSubscriptionResponseSchema, {
      subscription: await describeSubscription(context, record),
    });
  };
}
