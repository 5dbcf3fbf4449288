import type { SubscriptionChange } from "./subscription-store.ts";

/** Bytes that a change of a subscription counts for beside its state. */
const CHANGE_BYTES = 64;

/** What a change counts for in the writer's queue. */
export function bytesOfChange(change: SubscriptionChange): number {
  if (change.kind === "put") return CHANGE_BYTES + change.state.length;
  return CHANGE_BYTES + ("sequences" in change ? change.sequences.length * 8 : 0);
}

/** The change as it goes to the writer: a view into a larger buffer would take all of that to the other thread. */
export function ownState(change: SubscriptionChange): SubscriptionChange {
  if (change.kind !== "put" || change.state.byteLength === change.state.buffer.byteLength) return change;
  return { ...change, state: new Uint8Array(change.state) };
}
