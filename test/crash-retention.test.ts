import { expect, it } from "vitest";
import { CrashRun } from "./crash/crash-run.ts";
import type { KillPlan } from "./crash/kill-plan.ts";

/** Short enough to be at work in every round, long enough for most events to be delivered. */
const RETENTION_AGE_MS = 1_500;
const PLANS: readonly KillPlan[] = [
  { by: "itself", kind: "remove", when: "before", nth: 1 },
  { by: "itself", kind: "remove", when: "after", nth: 1 },
  { by: "itself", kind: "remove", when: "told", nth: 2 },
  { by: "itself", kind: "remove", when: "before", nth: 3 },
  { by: "itself", kind: "remove", when: "after", nth: 4 },
];

it("keeps every guarantee over kills in the middle of retention", { timeout: 90_000 }, async () => {
  await using run = await CrashRun.start(2, RETENTION_AGE_MS);
  for (const plan of PLANS) await run.round(plan);
  const outcome = await run.finish();
  expect(outcome.violations).toEqual([]);
  expect(outcome.removedTo).toBeGreaterThan(0);
  expect(outcome.deliveries).toBeGreaterThan(50);
});
