import { expect, it } from "vitest";
import { SubmissionState, UnknownOutcomePolicy } from "../gen/infobip/messages/v1/submission_pb.js";
import { EventsRun } from "./fleet/events-run.ts";
import { SubmissionsRun } from "./fleet/submissions-run.ts";

const EVENTS = 6_000;
const SUBMISSIONS = 300;
const LIMIT_MS = 60_000;
const ALONE = { prefix: "", members: [{ name: "G1", roles: "send,events,intake" }], gateways: ["G1"] };

it("ten consumers get every report from one process without NATS, over kill -9", {
  timeout: LIMIT_MS + 10_000,
}, async () => {
  const limit = AbortSignal.timeout(LIMIT_MS);
  const plan = { ...ALONE, intakes: ["G1"], consumersPerGateway: 10, messages: EVENTS / 3, seed: 1 };
  await using run = await EventsRun.start(plan);
  const g1 = run.fleet.member("G1");
  const outcome = await run.run(async (signal) => {
    await run.untilTaken(0.4, signal);
    await g1.kill();
    await g1.start();
  }, limit);
  expect(outcome.violations).toEqual([]);
  expect(outcome.differing).toEqual([]);
  expect(outcome.events).toBe(EVENTS);
  expect(outcome.crashes).toBe(0);
  expect(outcome.streams).toBeGreaterThan(1);
});

it("one process without NATS sends nothing twice over kill -9", { timeout: LIMIT_MS + 10_000 }, async () => {
  const limit = AbortSignal.timeout(LIMIT_MS);
  const plan = { ...ALONE, submissions: SUBMISSIONS, policy: UnknownOutcomePolicy.AT_MOST_ONCE, seed: 1 };
  await using run = await SubmissionsRun.start(plan);
  const g1 = run.fleet.member("G1");
  const outcome = await run.run(async (signal) => {
    await run.untilConfirmed(0.4, signal);
    await run.upstream.holdOne();
    await g1.kill();
    await g1.start();
  }, limit);
  expect(outcome.violations).toEqual([]);
  expect(outcome.repeatedIds).toEqual([]);
  expect(outcome.states.get(SubmissionState.ACCEPTED)).toBeGreaterThan(SUBMISSIONS * 0.7);
  expect(outcome.states.get(SubmissionState.OUTCOME_UNKNOWN)).toBeGreaterThan(0);
});
