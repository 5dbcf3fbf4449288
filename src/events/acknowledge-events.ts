import { create } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { AcknowledgeEventsResponseSchema } from "../../gen/infobip/events/v1/subscription_requests_pb.js";
import { asPrecondition } from "./session-errors.ts";
import { ackResultOf, settlementOf } from "./settlements.ts";
import type { EventsMethod, SubscriptionContext } from "./subscription-context.ts";
import { subscriptionId } from "./subscription-names.ts";

/** Makes the implementation of EventsService.AcknowledgeEvents. */
export function createAcknowledgeEvents({
  log,
  engine,
}: SubscriptionContext): EventsMethod<"acknowledgeEvents"> {
  return async ({ subscription, sessionId, ack, nacks, extend, closeSession }) => {
    const settlement = settlementOf(log, ack, nacks);
    try {
      const session = engine.session(subscriptionId(subscription), sessionId);
      const settled = await session.settle(settlement);
      // Settling has renewed the lease by its usual length; a longer one holds from now on.
      if (extend?.lease !== undefined) session.renew(durationMs(extend.lease));
      if (closeSession) await session.end("LEFT");
      return create(AcknowledgeEventsResponseSchema, { result: ackResultOf(settled, session) });
    } catch (error) {
      throw asPrecondition(error);
    }
  };
}
