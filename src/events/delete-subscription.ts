import { create } from "@bufbuild/protobuf";
import { DeleteSubscriptionResponseSchema } from "../../gen/infobip/events/v1/subscription_requests_pb.js";
import type { EventsMethod, SubscriptionContext } from "./subscription-context.ts";
import { subscriptionId } from "./subscription-names.ts";

/** Makes the implementation of EventsService.DeleteSubscription. */
export function createDeleteSubscription({
  engine,
}: SubscriptionContext): EventsMethod<"deleteSubscription"> {
  return async ({ name }) => {
    await engine.delete(subscriptionId(name));
    return create(DeleteSubscriptionResponseSchema);
  };
}
