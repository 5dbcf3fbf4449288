import type { SubscriptionSettings } from "../../subscription-engine.ts";
import type { DeliveryFailure } from "./unsettled-event.ts";

/** Doublings after which every backoff has reached its longest. */
const MAX_DOUBLINGS = 40;

/**
 * Wait before the redelivery that follows a failure, in milliseconds.
 * `attempts` counts the failed deliveries, this one included.
 */
export function backoffMs(
  settings: Pick<SubscriptionSettings, "minBackoffMs" | "maxBackoffMs">,
  attempts: number,
  failure: DeliveryFailure,
): number {
  if (attempts === 1 && failure !== "NACK") return 0;
  const doublings = Math.min(attempts - 1, MAX_DOUBLINGS);
  return Math.min(settings.maxBackoffMs, settings.minBackoffMs * 2 ** doublings);
}
