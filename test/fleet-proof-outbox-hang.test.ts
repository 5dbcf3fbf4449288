import { expect, it } from "vitest";
import { SubmissionState, UnknownOutcomePolicy } from "../gen/infobip/messages/v1/submission_pb.js";
import { SubmissionsRun } from "./fleet/submissions-run.ts";
import { OUTBOX_UNIT } from "./fleet/unit-names.ts";
import { describeNats, startNatsServer, uniquePrefix } from "./nats-server.ts";

const SUBMISSIONS = 600;
const LIMIT_MS = 90_000;

describeNats("the outbox of a fleet", () => {
  it("moves away from an owner that hangs, which then sends nothing twice", {
    timeout: LIMIT_MS + 10_000,
  }, async () => {
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
      policy: UnknownOutcomePolicy.AT_MOST_ONCE,
      seed: 5,
    });
    const outcome = await run.run(async (signal) => {
      await run.untilConfirmed(0.3, signal);
      const hung = run.fleet.ownerOf(OUTBOX_UNIT);
      hung.pause();
      await run.fleet.takenOver(OUTBOX_UNIT, hung, signal);
      await run.untilConfirmed(0.35, signal);
      hung.resume();
    }, limit);
    expect(outcome.violations).toEqual([]);
    expect(outcome.repeatedIds).toEqual([]);
    expect(outcome.crashes).toBe(0);
    expect(outcome.states.get(SubmissionState.ACCEPTED)).toBeGreaterThan(SUBMISSIONS * 0.7);
  });
});
