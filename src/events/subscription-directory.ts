import type { SubscriptionRecord } from "../eventlog/subscription-engine.ts";

/** All subscriptions as they are stored, whichever process works on them. Rejects with ServiceError LOG_UNAVAILABLE. */
export interface SubscriptionDirectory {
  /** All ids, in no order; at most MAX_SUBSCRIPTIONS. */
  listSubscriptionIds(): Promise<readonly string[]>;
  /** Undefined when there is none. */
  readSubscription(id: string): Promise<SubscriptionRecord | undefined>;
}
