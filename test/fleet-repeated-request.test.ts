import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import {
  type GetSubscriptionRequest,
  GetSubscriptionRequestSchema,
} from "../gen/infobip/events/v1/subscription_requests_pb.js";
import { serviceDraining } from "../src/rpc/call-ended.ts";
import { plainCall } from "./fixtures/call-context.ts";
import { openNode } from "./fixtures/fleet-rig.ts";
import { answer, ScriptedUnit } from "./fixtures/scripted-unit.ts";
import { describeNats, startNatsServer, uniquePrefix } from "./nats-server.ts";

const { getSubscription } = EventsService.method;
const NAME = "subscriptions/orders";

describeNats("a call that is made again where its unit went", () => {
  test.each(["is lost", "drains"])(
    "brings what its caller has sent, though the unit that %s has changed it",
    async (how) => {
      await using server = await startNatsServer();
      const seen: string[] = [];
      const units: ScriptedUnit[] = [];
      await using node = await openNode({
        url: server.url,
        prefix: uniquePrefix(),
        idempotent: new Set([`${EventsService.typeName}/GetSubscription`]),
        kinds: {
          subscription: async (name) => {
            const unit: ScriptedUnit = new ScriptedUnit(name, "here", {
              unary: async (message, { signal }, method) => {
                const request = message as GetSubscriptionRequest;
                seen.push(request.name);
                request.name = "changed";
                if (seen.length > 1) return answer(method, "here");
                if (how === "drains") throw serviceDraining();
                unit.fence();
                return await new Promise((_, reject) =>
                  signal.addEventListener("abort", () => reject(signal.reason)),
                );
              },
            });
            units.push(unit);
            return unit;
          },
        },
      });
      const request = create(GetSubscriptionRequestSchema, { name: NAME });
      await node.fleet.unary("subscription.orders", getSubscription, request, plainCall());
      expect(seen).toEqual([NAME, NAME]);
    },
  );
});
