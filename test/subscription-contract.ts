import { describe } from "vitest";
import { describeAttempts } from "./subscription-contract-attempts.ts";
import { describeChanges } from "./subscription-contract-changes.ts";
import { describeDeadLetters } from "./subscription-contract-dead-letters.ts";
import { describeDelivery } from "./subscription-contract-delivery.ts";
import { describeLimits } from "./subscription-contract-limits.ts";
import { describeRecovery } from "./subscription-contract-recovery.ts";
import { SubscriptionRig, type SubscriptionStorage } from "./subscription-harness.ts";

/** What every engine behind the SubscriptionEngine port must do. */
export function describeSubscriptionContract(
  engine: string,
  start: () => Promise<SubscriptionStorage>,
): void {
  const rig = async (): Promise<SubscriptionRig> => new SubscriptionRig(await start());
  describe(`subscription contract: ${engine}`, () => {
    describeDelivery(rig);
    describeAttempts(rig);
    describeDeadLetters(rig);
    describeRecovery(rig);
    describeChanges(rig);
    describeLimits(rig);
  });
}
