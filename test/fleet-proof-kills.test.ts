import { expect, it } from "vitest";
import type { EventsOutcome } from "./fleet/events-outcome.ts";
import { EventsRun } from "./fleet/events-run.ts";
import type { FleetProcess } from "./fleet/fleet-process.ts";
import { SUBSCRIPTION_UNIT } from "./fleet/unit-names.ts";
import { describeNats, type NatsServer, startNatsServer, uniquePrefix } from "./nats-server.ts";

const EVENTS = 6_000;
const LIMIT_MS = 60_000;

/** What a disturbance works on. */
interface Victims {
  readonly run: EventsRun;
  readonly nats: NatsServer;
  readonly owner: () => FleetProcess;
  readonly other: () => FleetProcess;
  readonly signal: AbortSignal;
}

/** A smaller fleet under load, disturbed once a third of the reports has come. */
async function disturbed(
  disturb: (victims: Victims) => Promise<void>,
  intakes: readonly string[] = ["E1", "G1"],
): Promise<EventsOutcome> {
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
    intakes,
    gateways: ["G1", "G2"],
    consumersPerGateway: 3,
    messages: EVENTS / 3,
    seed: 2,
  });
  const owner = () => run.fleet.ownerOf(SUBSCRIPTION_UNIT);
  const other = () => run.fleet.member(owner().name === "G1" ? "G2" : "G1");
  return await run.run(async (signal) => {
    await run.untilTaken(0.3, signal);
    await disturb({ run, nats, owner, other, signal });
  }, limit);
}

function expectWhole({ violations, differing, views, crashes, events }: EventsOutcome): void {
  expect(violations).toEqual([]);
  expect(differing).toEqual([]);
  expect(views[1]).toEqual(views[0]);
  expect(crashes).toBe(0);
  expect(events).toBe(EVENTS);
}

describeNats("a fleet under load", () => {
  const patient = { timeout: LIMIT_MS + 10_000 };

  it("survives kill -9 of the gateway that owns the subscription", patient, async () => {
    const outcome = await disturbed(async ({ run, owner, signal }) => {
      const member = owner();
      await member.kill();
      await run.untilTaken(0.6, signal);
      await member.start();
    });
    expectWhole(outcome);
    // NATS itself refuses every repeat.
    expect(outcome.gaps).toBe(0);
  });

  it("survives kill -9 of another gateway, then of an intake, then of nats-server", patient, async () => {
    const outcome = await disturbed(async ({ run, nats, other, signal }) => {
      const member = other();
      await member.kill();
      await run.untilTaken(0.45, signal);
      await member.start();
      await run.fleet.member("E1").kill();
      await run.untilTaken(0.6, signal);
      await run.fleet.member("E1").start();
      await nats.restart("SIGKILL");
    });
    expectWhole(outcome);
  });

  it("survives the death of everything at once", patient, async () => {
    const outcome = await disturbed(async ({ run, nats }) => {
      await Promise.all([nats.stop("SIGKILL"), ...run.fleet.members.map((member) => member.kill())]);
      await nats.start();
      await Promise.all(run.fleet.members.map((member) => member.start()));
    });
    expectWhole(outcome);
  });

  it("takes over from an owner that hangs, which then can do no harm", patient, async () => {
    const outcome = await disturbed(
      async ({ run, owner, signal }) => {
        const hung = owner();
        hung.pause();
        await run.fleet.takenOver(SUBSCRIPTION_UNIT, hung, signal);
        await run.untilTaken(1, signal);
        hung.resume();
      },
      ["E1"],
    );
    expectWhole(outcome);
    expect(outcome.ends.get("silence")).toBeGreaterThan(0);
  });
});
