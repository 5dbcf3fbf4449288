import { logUnavailable } from "../../../nats/nats-errors.ts";
import type { Values } from "../../../nats/values.ts";
import { decodeState } from "../../embedded/subscriptions/subscription-state.ts";
import { MAX_SUBSCRIPTIONS, type SubscriptionRecord } from "../../subscription-engine.ts";
import { idOfStateKey, STATES, stateKey } from "./subscription-keys.ts";
import { decodeSubscription } from "./subscription-value.ts";

/** All subscriptions as they are stored, whichever process holds them. */
export interface SubscriptionListing {
  /** Ids in no order; at most MAX_SUBSCRIPTIONS. One of them may be gone when it is read. Rejects with ServiceError LOG_UNAVAILABLE. */
  listSubscriptionIds(): Promise<readonly string[]>;
  /** Undefined when there is none. Rejects with ServiceError LOG_UNAVAILABLE. */
  readSubscription(id: string): Promise<SubscriptionRecord | undefined>;
}

/** Lists what is in the stream of subscriptions. */
export function createSubscriptionListing(values: Pick<Values, "get" | "keys">): SubscriptionListing {
  return {
    listSubscriptionIds: async () => (await values.keys(STATES, MAX_SUBSCRIPTIONS)).map(idOfStateKey),
    readSubscription: async (id) => {
      const stored = await values.get(stateKey(id));
      return stored && readRecord(id, stored.data);
    },
  };
}

function readRecord(id: string, value: Uint8Array): SubscriptionRecord | undefined {
  try {
    const { state } = decodeSubscription(value);
    if (state === undefined) return undefined;
    const { settings, createTimeMs, updateTimeMs, filterFrom } = decodeState(state);
    return { id, settings, createTimeMs, updateTimeMs, filterFrom };
  } catch (error) {
    throw logUnavailable(error);
  }
}
