import { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import type { SubscribeRequest } from "../../gen/infobip/events/v1/subscribe_pb.js";
import type { DrainNotice } from "../rpc/drain-notice.ts";
import type { UnitCalls } from "../rpc/unit-calls.ts";
import type { ClockTimer } from "../timer.ts";
import { readStartFrame } from "./subscribe-start.ts";
import type { EventsMethod } from "./subscription-context.ts";
import { subscriptionId } from "./subscription-names.ts";
import { subscriptionUnit } from "./subscription-unit-names.ts";

/** Makes the implementation of EventsService.Subscribe for a process that shares the log with others. */
export function createRoutedSubscribe(
  units: UnitCalls,
  timer: ClockTimer,
  drain: DrainNotice,
): EventsMethod<"subscribe"> {
  return async function* (requests, call) {
    const frames = requests[Symbol.asyncIterator]();
    const { frame, start } = await readStartFrame(frames, timer, drain);
    const unit = subscriptionUnit(subscriptionId(start.subscription));
    yield* units.bidi(unit, EventsService.method.subscribe, after(frame, frames), call);
  };
}

/** The first frame again, then the rest. */
function after(
  first: SubscribeRequest,
  rest: AsyncIterator<SubscribeRequest>,
): AsyncIterable<SubscribeRequest> {
  let isFirst = true;
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        if (!isFirst) return rest.next();
        isFirst = false;
        return Promise.resolve({ done: false, value: first });
      },
      return: async () => {
        await rest.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}
