import { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import { subscriptionLimit } from "../eventlog/embedded/subscriptions/subscription-errors.ts";
import { MAX_SUBSCRIPTIONS } from "../eventlog/subscription-engine.ts";
import { orCallEnded } from "../rpc/call-ended.ts";
import { DrainNotice } from "../rpc/drain-notice.ts";
import type { UnitCalls } from "../rpc/unit-calls.ts";
import { type ClockTimer, systemTimer } from "../timer.ts";
import { createRoutedListSubscriptions } from "./routed-list-subscriptions.ts";
import { createRoutedSubscribe } from "./routed-subscribe.ts";
import type { EventsMethod } from "./subscription-context.ts";
import type { SubscriptionDirectory } from "./subscription-directory.ts";
import type { SubscriptionMethods } from "./subscription-methods.ts";
import { subscriptionId } from "./subscription-names.ts";
import { subscriptionUnit } from "./subscription-unit-names.ts";

/** Methods whose calls may run a second time when it is not known whether they have run, as package.Service/Method. */
export const REPEATABLE_SUBSCRIPTION_METHODS: ReadonlySet<string> = new Set(
  ["GetSubscription", "UpdateSubscription", "ListDeadLetters"].map(
    (name) => `${EventsService.typeName}/${name}`,
  ),
);

/** What the routed subscription methods work with. */
export interface RoutedSubscriptionOptions {
  readonly units: UnitCalls;
  readonly directory: SubscriptionDirectory;
  /** Of the event log, for cursors. */
  readonly logId: string;
  /** Aborts when this process drains. */
  readonly draining: AbortSignal;
  /** Default: the system's timer. */
  readonly timer?: ClockTimer;
}

/**
 * Makes the subscription methods of EventsService for a process that shares
 * the log with others: each call runs in the process that works on its
 * subscription. They fail with ServiceError only.
 */
export function createRoutedSubscriptionMethods(options: RoutedSubscriptionOptions): SubscriptionMethods {
  const { units, directory, logId, timer = systemTimer } = options;
  const drain = new DrainNotice(options.draining);
  const { method } = EventsService;
  const unitOf = (name: string): string => subscriptionUnit(subscriptionId(name));
  return {
    createSubscription: createRoutedCreate(units, directory),
    getSubscription: (request, call) =>
      units.unary(unitOf(request.name), method.getSubscription, request, call),
    listSubscriptions: createRoutedListSubscriptions({ units, directory, logId, timer }),
    updateSubscription: (request, call) =>
      units.unary(unitOf(request.subscription?.name ?? ""), method.updateSubscription, request, call),
    deleteSubscription: (request, call) =>
      units.unary(unitOf(request.name), method.deleteSubscription, request, call),
    seekSubscription: (request, call) =>
      units.unary(unitOf(request.name), method.seekSubscription, request, call),
    subscribe: createRoutedSubscribe(units, timer, drain),
    pullEvents: (request, call) =>
      units.unary(unitOf(request.subscription), method.pullEvents, request, call),
    acknowledgeEvents: (request, call) =>
      units.unary(unitOf(request.subscription), method.acknowledgeEvents, request, call),
    listDeadLetters: (request, call) =>
      units.unary(unitOf(request.parent), method.listDeadLetters, request, call),
    redriveDeadLetters: (request, call) =>
      units.unary(unitOf(request.parent), method.redriveDeadLetters, request, call),
  };
}

/** Its unit knows of one subscription only, so the number of all is looked up here. */
function createRoutedCreate(
  units: UnitCalls,
  directory: SubscriptionDirectory,
): EventsMethod<"createSubscription"> {
  return async (request, call) => {
    const id = subscriptionId(request.subscription?.name ?? "");
    const ids = await orCallEnded(directory.listSubscriptionIds(), call.signal);
    if (ids.length >= MAX_SUBSCRIPTIONS && !ids.includes(id)) throw subscriptionLimit();
    return units.unary(subscriptionUnit(id), EventsService.method.createSubscription, request, call);
  };
}
