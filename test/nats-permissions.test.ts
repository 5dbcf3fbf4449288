import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { SubmissionState, UnknownOutcomePolicy } from "../gen/infobip/messages/v1/submission_pb.js";
import { EventsRun } from "./fleet/events-run.ts";
import { SubmissionsRun } from "./fleet/submissions-run.ts";
import { describeNats, startNatsServer } from "./nats-server.ts";

const LIMIT_MS = 60_000;
const PREFIX = "INFOBIP_RPC";
const FLAGS = { "--nats-user": "infobip-rpc", "--nats-password": "of-a-test" };

/** The block that docs/nats.md tells operators to use, with a password. */
function documentedPermissions(): string {
  const page = readFileSync(new URL("../docs/nats.md", import.meta.url), "utf8");
  const [, block] = /<!-- permissions -->\s*```\n(.*?)```/s.exec(page) ?? [];
  if (block === undefined) throw new Error("docs/nats.md has no block of permissions");
  return block.replace("$NATS_PASSWORD", "of-a-test");
}

/** A server that knows only that user, and two gateways with the roles. */
async function plan(roles: string) {
  const server = await startNatsServer({ config: documentedPermissions() });
  const names = ["G1", "G2"];
  const members = names.map((name) => ({ name, roles, flags: FLAGS }));
  return { server, natsUrl: server.url, prefix: PREFIX, members, gateways: names, seed: 1 };
}

describeNats("the permissions in docs/nats.md", () => {
  it("are enough for submissions", { timeout: LIMIT_MS + 10_000 }, async () => {
    const limit = AbortSignal.timeout(LIMIT_MS);
    const { server, ...rest } = await plan("send,events");
    await using _server = server;
    const policy = UnknownOutcomePolicy.AT_MOST_ONCE;
    await using run = await SubmissionsRun.start({ ...rest, submissions: 60, policy });
    const outcome = await run.run(async () => {}, limit);
    expect(outcome.violations).toEqual([]);
    expect([...outcome.states]).toEqual([[SubmissionState.ACCEPTED, 60]]);
  });

  it("are enough for webhooks, streams and subscriptions, and a change of owners", {
    timeout: LIMIT_MS + 10_000,
  }, async () => {
    const limit = AbortSignal.timeout(LIMIT_MS);
    const { server, ...rest } = await plan("send,events,intake");
    await using _server = server;
    await using run = await EventsRun.start({
      ...rest,
      intakes: rest.gateways,
      consumersPerGateway: 1,
      messages: 400,
    });
    const outcome = await run.run(async () => {
      await run.untilTaken(0.5, limit);
      await run.fleet.member("G1").stop();
      await run.fleet.member("G1").start();
    }, limit);
    expect(outcome.violations).toEqual([]);
    expect(outcome.events).toBe(1_200);
  });
});
