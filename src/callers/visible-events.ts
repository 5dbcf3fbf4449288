import { create } from "@bufbuild/protobuf";
import type { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import { type GetMessageResponse, MessageState } from "../../gen/infobip/events/v1/history_pb.js";
import type { SubscribeRequest } from "../../gen/infobip/events/v1/subscribe_pb.js";
import { GetSubscriptionRequestSchema } from "../../gen/infobip/events/v1/subscription_requests_pb.js";
import { subscriptionUnknown } from "../eventlog/embedded/subscriptions/subscription-errors.ts";
import { messageUnknown } from "../events/get-message.ts";
import type { CallContext } from "../rpc/call-context.ts";
import type { ServiceImplementation } from "../rpc/service-implementation.ts";
import { isNarrow, isVisible, liesWithin } from "./event-visibility.ts";

type Methods = ServiceImplementation<typeof EventsService>;

/** Pages of a timeline that are looked through for an event that the caller sees. */
const MAX_TIMELINE_PAGES = 20;

/**
 * Shows each caller the events of its applications and entities only, and
 * the subscriptions that deliver no others. The filters of WatchEvents and
 * ListEvents and those of new subscriptions are narrowed before, by
 * {@link RequestRules}. GetEventLog is as it is: it tells where the log begins
 * and ends, and nothing of any event.
 */
export function showVisibleEvents(methods: Methods): Methods {
  const within = checkWithin(methods);
  const guarded =
    <R, A>(nameOf: (request: R) => string, run: (request: R, call: CallContext) => Promise<A>) =>
    async (request: R, call: CallContext): Promise<A> => {
      await within(nameOf(request), call);
      return run(request, call);
    };
  const named = ({ name }: { readonly name: string }): string => name;
  const child = ({ parent }: { readonly parent: string }): string => parent;
  const consumed = ({ subscription }: { readonly subscription: string }): string => subscription;
  return {
    ...methods,
    getMessage: showMessage(methods.getMessage),
    getSubscription: async (request, call) => {
      const answer = await methods.getSubscription(request, call);
      const { caller } = call;
      if (isNarrow(caller) && !liesWithin(answer.subscription?.filter, caller)) throw subscriptionUnknown();
      return answer;
    },
    listSubscriptions: async (request, call) => {
      const answer = await methods.listSubscriptions(request, call);
      const { caller } = call;
      if (isNarrow(caller)) {
        answer.subscriptions = answer.subscriptions.filter(({ filter }) => liesWithin(filter, caller));
      }
      return answer;
    },
    updateSubscription: guarded(({ subscription }) => subscription?.name ?? "", methods.updateSubscription),
    deleteSubscription: guarded(named, methods.deleteSubscription),
    seekSubscription: guarded(named, methods.seekSubscription),
    pullEvents: guarded(consumed, methods.pullEvents),
    acknowledgeEvents: guarded(consumed, methods.acknowledgeEvents),
    redriveDeadLetters: guarded(child, methods.redriveDeadLetters),
    listDeadLetters: guarded(child, showDeadLetters(methods.listDeadLetters)),
    subscribe: (requests, call) =>
      methods.subscribe(isNarrow(call.caller) ? checkStart(requests, call, within) : requests, call),
  };
}

/** Throws SUBSCRIPTION_UNKNOWN when the caller must not see the subscription, as if it did not exist. */
type Within = (name: string, call: CallContext) => Promise<void>;

function checkWithin({ getSubscription }: Methods): Within {
  return async (name, call) => {
    const { caller } = call;
    if (!isNarrow(caller)) return;
    const { subscription } = await getSubscription(create(GetSubscriptionRequestSchema, { name }), call);
    if (!liesWithin(subscription?.filter, caller)) throw subscriptionUnknown();
  };
}

async function* checkStart(
  requests: AsyncIterable<SubscribeRequest>,
  call: CallContext,
  within: Within,
): AsyncGenerator<SubscribeRequest> {
  for await (const request of requests) {
    if (request.frame.case === "start") await within(request.frame.value.subscription, call);
    yield request;
  }
}

/** Those of a time when the subscription had a wider filter stay hidden. */
function showDeadLetters(listDeadLetters: Methods["listDeadLetters"]): Methods["listDeadLetters"] {
  return async (request, call) => {
    const answer = await listDeadLetters(request, call);
    const { caller } = call;
    if (isNarrow(caller)) {
      answer.deadLetters = answer.deadLetters.filter(({ event }) => event && isVisible(event, caller));
    }
    return answer;
  };
}

/** Where a message stands is told by an event that the caller sees, or not at all. */
function showMessage(getMessage: Methods["getMessage"]): Methods["getMessage"] {
  return async (request, call) => {
    const { caller } = call;
    if (!isNarrow(caller)) return getMessage(request, call);
    for (let pages = 0; pages < MAX_TIMELINE_PAGES; pages++) {
      const answer = await getMessage(request, call);
      if (hideOthers(answer, caller)) return answer;
      if (answer.nextPageToken === "") break;
      request.pageToken = answer.nextPageToken;
    }
    throw messageUnknown();
  };
}

/** Takes out of the answer what the caller does not see. Whether anything is left. */
function hideOthers(answer: GetMessageResponse, caller: NonNullable<CallContext["caller"]>): boolean {
  answer.timeline = answer.timeline.filter((event) => isVisible(event, caller));
  const { statusEvent } = answer;
  const seesStatus = statusEvent !== undefined && isVisible(statusEvent, caller);
  if (!seesStatus) {
    answer.statusEvent = undefined;
    answer.state = MessageState.UNSPECIFIED;
    answer.final = false;
  }
  return seesStatus || answer.timeline.length > 0;
}
