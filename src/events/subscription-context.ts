import type { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import type { EventLog } from "../eventlog/event-log.ts";
import type { SubscriptionEngine } from "../eventlog/subscription-engine.ts";
import type { DrainNotice } from "../rpc/drain-notice.ts";
import type { ServiceImplementation } from "../rpc/service-implementation.ts";
import type { ClockTimer } from "../timer.ts";

/** What the subscription methods share. */
export interface SubscriptionContext {
  readonly log: EventLog;
  readonly engine: SubscriptionEngine;
  readonly drain: DrainNotice;
  /** When a draining service closes its streams at the latest, in Unix milliseconds. */
  readonly drainStopTime: () => number;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly timer: ClockTimer;
}

/** Implementation of one method of EventsService. */
export type EventsMethod<K extends keyof ServiceImplementation<typeof EventsService>> = ServiceImplementation<
  typeof EventsService
>[K];
