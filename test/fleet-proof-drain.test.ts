import { expect, it } from "vitest";
import type { EventsOutcome } from "./fleet/events-outcome.ts";
import { EventsRun } from "./fleet/events-run.ts";
import { SUBSCRIPTION_UNIT } from "./fleet/unit-names.ts";
import { describeNats, startNatsServer, uniquePrefix } from "./nats-server.ts";

const EVENTS = 6_000;
const CONSUMERS = 3;
const LIMIT_MS = 60_000;

/** Stops a gateway in order while consumers are at work, and starts it again. */
async function drained(
  victim: "owner" | "other",
): Promise<{ outcome: EventsOutcome; exitCode: number | null }> {
  const limit = AbortSignal.timeout(LIMIT_MS);
  let exitCode: number | null = null;
  await using nats = await startNatsServer();
  await using run = await EventsRun.start({
    natsUrl: nats.url,
    prefix: uniquePrefix(),
    members: [
      { name: "E1", roles: "intake" },
      { name: "G1", roles: "events" },
      { name: "G2", roles: "events" },
    ],
    intakes: ["E1"],
    gateways: ["G1", "G2"],
    consumersPerGateway: CONSUMERS,
    messages: EVENTS / 3,
    seed: 4,
  });
  const outcome = await run.run(async (signal) => {
    await run.untilTaken(0.3, signal);
    const owner = run.fleet.ownerOf(SUBSCRIPTION_UNIT);
    const other = run.fleet.member(owner.name === "G1" ? "G2" : "G1");
    const member = victim === "owner" ? owner : other;
    exitCode = await member.stop();
    await run.untilTaken(0.7, signal);
    await member.start();
  }, limit);
  return { outcome, exitCode };
}

describeNats("a gateway that is stopped in order", () => {
  // The checker of subscriptions holds every attempt against the failures that consumers know of: here there are none.
  it("hands its subscription over, and no attempt is counted", { timeout: LIMIT_MS + 10_000 }, async () => {
    const { outcome, exitCode } = await drained("owner");
    expect(outcome.violations).toEqual([]);
    expect(outcome.differing).toEqual([]);
    expect(exitCode).toBe(0);
    // Consumers of both gateways were at work in it.
    expect(outcome.ends.get("draining"), [...outcome.ends].join()).toBeGreaterThanOrEqual(CONSUMERS * 2);
    expect(outcome.crashes).toBe(0);
  });

  it("sends the consumers of another's subscription away, and no attempt is counted", {
    timeout: LIMIT_MS + 10_000,
  }, async () => {
    const { outcome, exitCode } = await drained("other");
    expect(outcome.violations).toEqual([]);
    expect(outcome.differing).toEqual([]);
    expect(exitCode).toBe(0);
    expect(outcome.ends.get("draining"), [...outcome.ends].join()).toBeGreaterThanOrEqual(CONSUMERS);
    expect(outcome.crashes).toBe(0);
  });
});
