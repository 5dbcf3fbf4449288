import { expect, it } from "vitest";
import { SubmissionState, UnknownOutcomePolicy } from "../gen/infobip/messages/v1/submission_pb.js";
import { type SubmissionsOutcome, SubmissionsRun } from "./fleet/submissions-run.ts";
import { OUTBOX_UNIT } from "./fleet/unit-names.ts";
import { describeNats, startNatsServer, uniquePrefix } from "./nats-server.ts";

/** Submissions; more of them with INFOBIP_RPC_FLEET_SUBMISSIONS. */
const SUBMISSIONS = Number(process.env.INFOBIP_RPC_FLEET_SUBMISSIONS ?? 2_000);
const LIMIT_MS = 90_000 + SUBMISSIONS * 5;

/** Kills the owner of the outbox while Infobip owes it an answer, and restarts NATS later. */
async function runThroughTrouble(policy: UnknownOutcomePolicy): Promise<SubmissionsOutcome> {
  const limit = AbortSignal.timeout(LIMIT_MS);
  await using nats = await startNatsServer();
  await using run = await SubmissionsRun.start({
    natsUrl: nats.url,
    prefix: uniquePrefix(),
    members: [
      { name: "G1", roles: "send,events" },
      { name: "G2", roles: "send,events" },
    ],
    gateways: ["G1", "G2"],
    submissions: SUBMISSIONS,
    policy,
    seed: 1,
  });
  return await run.run(async (signal) => {
    await run.untilConfirmed(0.3, signal);
    await run.upstream.holdOne();
    const owner = run.fleet.ownerOf(OUTBOX_UNIT);
    await owner.kill();
    await run.untilConfirmed(0.5, signal);
    await nats.restart();
    await run.untilConfirmed(0.65, signal);
    await owner.start();
  }, limit);
}

describeNats("submissions of a fleet", () => {
  it("are never sent twice under AT_MOST_ONCE", { timeout: LIMIT_MS + 10_000 }, async () => {
    const { violations, repeatedIds, states, crashes } = await runThroughTrouble(
      UnknownOutcomePolicy.AT_MOST_ONCE,
    );
    expect(violations).toEqual([]);
    expect(repeatedIds).toEqual([]);
    expect(crashes).toBe(0);
    expect([...states.keys()].toSorted()).toEqual([
      SubmissionState.ACCEPTED,
      SubmissionState.OUTCOME_UNKNOWN,
    ]);
    expect(states.get(SubmissionState.ACCEPTED)).toBeGreaterThan(SUBMISSIONS * 0.7);
  });

  it("are all accepted once under AT_LEAST_ONCE", { timeout: LIMIT_MS + 10_000 }, async () => {
    const { violations, repeatedIds, states, crashes } = await runThroughTrouble(
      UnknownOutcomePolicy.AT_LEAST_ONCE,
    );
    expect(violations).toEqual([]);
    expect(crashes).toBe(0);
    expect([...states]).toEqual([[SubmissionState.ACCEPTED, SUBMISSIONS]]);
    // Those whose answer was lost with the owner came again, with the ids that Infobip knew.
    expect(repeatedIds.length).toBeGreaterThan(0);
  });
});
