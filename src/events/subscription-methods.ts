import type { EventLog } from "../eventlog/event-log.ts";
import type { SubscriptionEngine } from "../eventlog/subscription-engine.ts";
import { DrainNotice } from "../rpc/drain-notice.ts";
import { type ClockTimer, systemTimer } from "../timer.ts";
import { createAcknowledgeEvents } from "./acknowledge-events.ts";
import { createCreateSubscription } from "./create-subscription.ts";
import { createDeleteSubscription } from "./delete-subscription.ts";
import { createGetSubscription } from "./get-subscription.ts";
import { createListDeadLetters } from "./list-dead-letters.ts";
import { createListSubscriptions } from "./list-subscriptions.ts";
import { createPullEvents } from "./pull-events.ts";
import { createRedriveDeadLetters } from "./redrive-dead-letters.ts";
import { createSeekSubscription } from "./seek-subscription.ts";
import { createSubscribe } from "./subscribe.ts";
import type { EventsMethod } from "./subscription-context.ts";
import { createUpdateSubscription } from "./update-subscription.ts";

/** What the subscription methods work with. */
export interface SubscriptionMethodsOptions {
  readonly log: EventLog;
  /** Its sessions outlive calls; whoever made it drains it. */
  readonly engine: SubscriptionEngine;
  /** Aborts when the service drains; streams are then told, and deliver nothing more. */
  readonly draining: AbortSignal;
  /** When a draining service closes its streams at the latest, in Unix milliseconds. */
  readonly drainStopTime: () => number;
  /** Unix milliseconds. Default: the system's clock. */
  readonly now?: () => number;
  /** Default: the system's timer. */
  readonly timer?: ClockTimer;
}

type SubscriptionMethodName =
  | "createSubscription"
  | "getSubscription"
  | "listSubscriptions"
  | "updateSubscription"
  | "deleteSubscription"
  | "seekSubscription"
  | "subscribe"
  | "pullEvents"
  | "acknowledgeEvents"
  | "listDeadLetters"
  | "redriveDeadLetters";

/** The methods of EventsService that deal with subscriptions, by their local names. */
export type SubscriptionMethods = { readonly [K in SubscriptionMethodName]: EventsMethod<K> };

/** Makes the subscription methods of EventsService. They fail with ServiceError only. */
export function createSubscriptionMethods(options: SubscriptionMethodsOptions): SubscriptionMethods {
  const context = {
    log: options.log,
    engine: options.engine,
    drain: new DrainNotice(options.draining),
    drainStopTime: options.drainStopTime,
    now: options.now ?? Date.now,
    timer: options.timer ?? systemTimer,
  };
  return {
    createSubscription: createCreateSubscription(context),
    getSubscription: createGetSubscription(context),
    listSubscriptions: createListSubscriptions(context),
    updateSubscription: createUpdateSubscription(context),
    deleteSubscription: createDeleteSubscription(context),
    seekSubscription: createSeekSubscription(context),
    subscribe: createSubscribe(context),
    pullEvents: createPullEvents(context),
    acknowledgeEvents: createAcknowledgeEvents(context),
    listDeadLetters: createListDeadLetters(context),
    redriveDeadLetters: createRedriveDeadLetters(context),
  };
}
