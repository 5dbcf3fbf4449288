import { expect, it } from "vitest";
import { SubmissionState } from "../gen/infobip/messages/v1/submission_pb.js";
import { seededRandom } from "../src/simulator/seeded-random.ts";
import { type KillPlan, nameOf } from "./crash/kill-plan.ts";
import { SendingRun } from "./crash/sending-run.ts";

/** Rounds; more of them with INFOBIP_RPC_CRASH_ROUNDS. */
const ROUNDS = Number(process.env.INFOBIP_RPC_CRASH_ROUNDS ?? 20);
const LIMIT_MS = 60_000 + ROUNDS * 6_000;
const SEED = Number(process.env.INFOBIP_RPC_CRASH_SEED ?? 1);

type Point = KillPlan extends infer Plan ? (Plan extends KillPlan ? Omit<Plan, "nth"> : never) : never;

/** Rows of a commit that holds many. */
const MANY = 6;
const POINTS: readonly Point[] = [
  { by: "itself", kind: "submit", when: "before" },
  { by: "upstream", at: "carried out" },
  { by: "itself", kind: "leave", when: "after" },
  { by: "itself", kind: "requeue", when: "before" },
  { by: "upstream", at: "read" },
  { by: "itself", kind: "requeue", when: "after" },
  { by: "itself", kind: "leave", when: "before" },
  { by: "upstream", at: "answering" },
  { by: "itself", kind: "result", when: "before" },
  { by: "itself", kind: "answer", when: "before" },
  { by: "itself", kind: "result", when: "after" },
  { by: "itself", kind: "answer", when: "after" },
  { by: "itself", kind: "leave", when: "before", rows: MANY },
  { by: "client", after: "submission" },
  { by: "itself", kind: "leave", when: "after", rows: MANY },
  { by: "itself", kind: "result", when: "before", rows: MANY },
  { by: "itself", kind: "submit", when: "after" },
  { by: "itself", kind: "result", when: "after", rows: MANY },
  { by: "client", after: "answer" },
];
/** Points that come up seldom are the first or second of their kind. */
const isSeldom = (point: Point) =>
  point.by === "itself" && (point.kind === "requeue" || point.rows !== undefined);

function planOf(round: number, random: () => number): KillPlan {
  const point = POINTS[round % POINTS.length] as Point;
  return { ...point, nth: 1 + Math.floor(random() * (isSeldom(point) ? 2 : 20)) } as KillPlan;
}

it(`loses and doubles nothing that is sent over ${ROUNDS} kills`, { timeout: LIMIT_MS }, async () => {
  await using run = await SendingRun.start(SEED);
  const random = seededRandom(SEED);
  const plans = Array.from({ length: ROUNDS }, (_, round) => planOf(round, random));
  for (const plan of plans) await run.round(plan);
  const outcome = await run.finish();
  expect(outcome.violations).toEqual([]);
  expect([...outcome.deaths.keys()].toSorted()).toEqual([...new Set(plans.map(nameOf))].toSorted());
  // A run that hardly did anything proves nothing.
  expect(outcome.submissions.get(SubmissionState.ACCEPTED)).toBeGreaterThan(ROUNDS * 5);
  expect(outcome.submissions.get(SubmissionState.OUTCOME_UNKNOWN)).toBeGreaterThan(0);
  expect(outcome.calls).toBeGreaterThan(ROUNDS * 3);
  const purges: KillPlan[] = [
    { by: "itself", kind: "purge", when: "before", nth: 1 },
    { by: "itself", kind: "purge", when: "after", nth: 1 },
  ];
  expect(await run.purge(purges)).toEqual([]);
});
