import { expect, it } from "vitest";
import { EventsRun } from "./fleet/events-run.ts";
import { SUBSCRIPTION_UNIT } from "./fleet/unit-names.ts";
import { describeNats, startNatsServer, uniquePrefix } from "./nats-server.ts";

/** Reports; more of them with INFOBIP_RPC_FLEET_EVENTS. */
const EVENTS = Number(process.env.INFOBIP_RPC_FLEET_EVENTS ?? 100_000);
const LIMIT_MS = 60_000 + EVENTS * 2;

describeNats("a fleet", () => {
  it(`loses and repeats nothing of ${EVENTS} reports over the death of an owner and a restart of NATS`, {
    timeout: LIMIT_MS + 10_000,
  }, async () => {
    const limit = AbortSignal.timeout(LIMIT_MS);
    await using nats = await startNatsServer();
    await using run = await EventsRun.start({
      natsUrl: nats.url,
      prefix: uniquePrefix(),
      members: [
        { name: "E1", roles: "intake" },
        { name: "G1", roles: "send,events,intake" },
        { name: "G2", roles: "events,send" },
      ],
      intakes: ["E1", "G1"],
      gateways: ["G1", "G2"],
      consumersPerGateway: 5,
      messages: Math.ceil(EVENTS / 3),
      seed: 1,
    });
    const outcome = await run.run(async (signal) => {
      await run.untilTaken(0.25, signal);
      const owner = run.fleet.ownerOf(SUBSCRIPTION_UNIT);
      await owner.kill();
      await run.untilTaken(0.45, signal);
      await nats.restart();
      await run.untilTaken(0.6, signal);
      await owner.start();
    }, limit);
    expect(outcome.violations).toEqual([]);
    expect(outcome.differing).toEqual([]);
    expect(outcome.views[1]).toEqual(outcome.views[0]);
    expect(outcome.crashes).toBe(0);
    expect(outcome.views[0]?.isWritable).toBe(true);
    // A run in which nothing was disturbed proves nothing.
    expect(outcome.posts - (outcome.statuses.get(200) ?? 0)).toBeGreaterThan(0);
    expect(outcome.sessions).toBeGreaterThanOrEqual(20);
    expect(outcome.streams).toBeGreaterThan(2);
  });
});
