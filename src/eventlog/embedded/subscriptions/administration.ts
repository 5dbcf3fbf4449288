import type { ServiceError } from "../../../errors.ts";
import { compileFilter } from "../../filter.ts";
import type { SettingsChange, SubscriptionSettings } from "../../subscription-engine.ts";
import type { SubscriptionChange } from "../subscription-store.ts";
import type { CommitStep } from "./commit-pipeline.ts";
import type { Subscription } from "./subscription.ts";
import { deadLetterUnknown, subscriptionDeleted, subscriptionUnknown } from "./subscription-errors.ts";
import { UnsettledEvent } from "./unsettled-event.ts";
import { UnsettledSet } from "./unsettled-set.ts";

/** Settings with whole milliseconds, as they are stored. */
export function normalised(settings: SubscriptionSettings): SubscriptionSettings {
  const { minBackoffMs, maxBackoffMs } = settings;
  return { ...settings, minBackoffMs: Math.round(minBackoffMs), maxBackoffMs: Math.round(maxBackoffMs) };
}

/** Changes settings; another filter holds from the present position. */
export async function updateSubscription(subscription: Subscription, change: SettingsChange): Promise<void> {
  const hasFilter = Object.hasOwn(change, "filter");
  const predicate = hasFilter ? compileFilter(change.filter) : undefined;
  await subscription.exclusively(async () => {
    const { id } = subscription;
    const settings = normalised({ ...subscription.settings, ...change });
    const updateTimeMs = Math.floor(subscription.now());
    const filterFrom = hasFilter ? subscription.ledger.position : subscription.filterFrom;
    const replaced = { settings, updateTimeMs, filterFrom };
    const put = (): SubscriptionChange => ({ kind: "put", id, state: subscription.encode(replaced) });
    await commitAlone(
      subscription,
      () => [put()],
      () => {
        Object.assign(subscription, replaced);
        if (hasFilter) subscription.predicate = predicate;
      },
    );
  });
}

/** Goes on after a position. */
export async function seekSubscription(subscription: Subscription, position: number): Promise<void> {
  await subscription.exclusively(async () => {
    const { id } = subscription;
    const updateTimeMs = Math.floor(subscription.now());
    const filterFrom = Math.min(subscription.filterFrom, position);
    const empty = { unsettled: new UnsettledSet(false), redriven: new UnsettledSet(true), gap: undefined };
    const replaced = { ...empty, position, updateTimeMs, filterFrom };
    const put = (): SubscriptionChange => ({ kind: "put", id, state: subscription.encode(replaced) });
    await commitAlone(
      subscription,
      () => [put()],
      () => {
        Object.assign(subscription, { updateTimeMs, filterFrom });
        subscription.restartFrom(position);
      },
    );
  });
}

/** Removes a subscription with its dead letters, and ends its sessions. */
export async function deleteSubscription(subscription: Subscription): Promise<void> {
  await subscription.exclusively(async () => {
    const { id } = subscription;
    await commitAlone(
      subscription,
      () => [{ kind: "delete", id }],
      () => {
        subscription.ledger.redriven.clear();
        subscription.restartFrom(subscription.ledger.position);
        subscription.pipeline.close(subscriptionUnknown());
      },
    );
    await subscription.close(subscriptionDeleted(), true);
  });
}

/** Delivers dead letters again, and returns how many that were not being delivered already. */
export async function redriveDeadLetters(
  subscription: Subscription,
  sequences: readonly number[] | "all",
): Promise<number> {
  const { id, store } = subscription;
  const wanted = sequences === "all" ? undefined : [...new Set(sequences)].sort((a, b) => a - b);
  let found: readonly number[] = [];
  const prepare = async (): Promise<void> => {
    const all = await store.deadLetterSequences(id, wanted);
    if (wanted !== undefined && all.length < wanted.length) throw deadLetterUnknown();
    found = all.filter((sequence) => subscription.ledger.redriven.get(sequence) === undefined);
  };
  await commitAlone(
    subscription,
    () => (found.length === 0 ? [] : [{ kind: "redrive", id, sequences: found }]),
    () =>
      subscription.ledger.addRedriven(found.map((sequence) => new UnsettledEvent(sequence, true, undefined))),
    prepare,
  );
  return found.length;
}

/** Writes changes in a commit of their own; takes effect in memory once they are durable. */
function commitAlone(
  subscription: Subscription,
  changes: () => readonly SubscriptionChange[],
  committed: () => void,
  prepare?: () => Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const step: CommitStep = {
      isAlone: true,
      prepare,
      apply: (context) => context.changes.push(...changes()),
      committed: () => {
        committed();
        resolve();
      },
      failed: (error: ServiceError) => reject(error),
    };
    subscription.pipeline.add(step);
  });
}
