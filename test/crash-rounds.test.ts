import { expect, it } from "vitest";
import { seededRandom } from "../src/simulator/seeded-random.ts";
import { CrashRun } from "./crash/crash-run.ts";
import { type KillPlan, nameOf } from "./crash/kill-plan.ts";

/** Rounds; more of them with INFOBIP_RPC_CRASH_ROUNDS. */
const ROUNDS = Number(process.env.INFOBIP_RPC_CRASH_ROUNDS ?? 22);
const LIMIT_MS = 30_000 + ROUNDS * 6_000;
const SEED = Number(process.env.INFOBIP_RPC_CRASH_SEED ?? 1);

type Point =
  | Omit<Extract<KillPlan, { by: "itself" }>, "nth">
  | Omit<Extract<KillPlan, { by: "client" }>, "nth">;

const POINTS: readonly Point[] = [
  { by: "itself", kind: "append", when: "before" },
  { by: "itself", kind: "append", when: "after" },
  { by: "itself", kind: "append", when: "told" },
  { by: "client", after: "200" },
  { by: "itself", kind: "put", when: "before" },
  { by: "itself", kind: "put", when: "after" },
  { by: "itself", kind: "put", when: "told" },
  { by: "client", after: "result" },
  { by: "itself", kind: "bury", when: "before" },
  { by: "itself", kind: "redrive", when: "before" },
  { by: "itself", kind: "bury", when: "after" },
  { by: "itself", kind: "redrive", when: "after" },
  { by: "itself", kind: "settle", when: "before" },
  { by: "itself", kind: "settle", when: "after" },
];
/** Points that come up seldom are the first or second of their kind. */
const SELDOM = new Set<string>(["bury", "redrive", "settle"]);

function planOf(round: number, random: () => number): KillPlan {
  const point = POINTS[round % POINTS.length] as Point;
  const among = point.by === "itself" && SELDOM.has(point.kind) ? 2 : 25;
  return { ...point, nth: 1 + Math.floor(random() * among) } as KillPlan;
}

it(`keeps every guarantee over ${ROUNDS} kills at durable boundaries`, { timeout: LIMIT_MS }, async () => {
  await using run = await CrashRun.start(SEED);
  const random = seededRandom(SEED);
  const plans = Array.from({ length: ROUNDS }, (_, round) => planOf(round, random));
  for (const plan of plans) await run.round(plan);
  const outcome = await run.finish();
  expect(outcome.violations).toEqual([]);
  expect(outcome.events).toBe(outcome.items);
  expect(outcome.removedTo).toBe(0);
  expect([...outcome.deaths.keys()].toSorted()).toEqual([...new Set(plans.map(nameOf))].toSorted());
  // A run that hardly did anything proves nothing.
  expect(outcome.deliveries).toBeGreaterThan(ROUNDS * 10);
  expect(outcome.redriven).toBeGreaterThan(0);
});
