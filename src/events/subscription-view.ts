import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  BlockedReason,
  type Subscription,
  SubscriptionSchema,
  type SubscriptionStatus,
  SubscriptionStatusSchema,
} from "../../gen/infobip/events/v1/subscription_pb.js";
import { encodeCursor } from "../eventlog/cursor.ts";
import type { SubscriptionProgress, SubscriptionRecord } from "../eventlog/subscription-engine.ts";
import type { SubscriptionContext } from "./subscription-context.ts";
import { subscriptionName } from "./subscription-names.ts";

/** A subscription and how far it has come, as callers see it. */
export async function describeSubscription(
  context: SubscriptionContext,
  record: SubscriptionRecord,
): Promise<Subscription> {
  const status = describeProgress(context, await context.engine.progress(record.id));
  return describeRecord(context.log.id, record, status);
}

/** A subscription as callers see it, where its status is known or not. */
export function describeRecord(
  logId: string,
  record: SubscriptionRecord,
  status: SubscriptionStatus | undefined,
): Subscription {
  const { settings } = record;
  return create(SubscriptionSchema, {
    name: subscriptionName(record.id),
    ...(settings.filter === undefined ? {} : { filter: settings.filter }),
    maxInFlight: settings.maxInFlight,
    maxAttempts: settings.maxAttempts,
    minBackoff: durationFromMs(settings.minBackoffMs),
    maxBackoff: durationFromMs(settings.maxBackoffMs),
    createTime: timestampFromMs(record.createTimeMs),
    updateTime: timestampFromMs(record.updateTimeMs),
    filterCursor: encodeCursor(logId, record.filterFrom),
    ...(status === undefined ? {} : { status }),
  });
}

/** How far a subscription has come, as callers see it. */
export function describeProgress(
  { log, now }: SubscriptionContext,
  progress: SubscriptionProgress,
): SubscriptionStatus {
  const { oldestTimeMs, blocked } = progress;
  const lagMs = oldestTimeMs === undefined ? 0 : Math.max(0, Math.floor(now() - oldestTimeMs));
  return create(SubscriptionStatusSchema, {
    cursor: encodeCursor(log.id, progress.settledTo),
    headCursor: encodeCursor(log.id, progress.head),
    lagEvents: BigInt(progress.lagEvents),
    lag: durationFromMs(lagMs),
    inFlight: progress.inFlight,
    waiting: progress.waiting,
    deadLetters: BigInt(progress.deadLetters),
    consumers: progress.consumers,
    blocked: BlockedReason[blocked ?? "UNSPECIFIED"],
  });
}
