import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LocalNatsServer, startLocalNatsServer } from "../src/cli/demo/local-nats-server.ts";
import { freePort } from "../src/cli/free-port.ts";
import type { EventsOutcome } from "../test/fleet/events-outcome.ts";
import { EventsRun } from "../test/fleet/events-run.ts";
import { STEPS } from "../test/fleet/report-lane.ts";
import { SUBSCRIPTION_UNIT } from "../test/fleet/unit-names.ts";

/** Reports a second that are expected at least; a run that falls behind is given up. */
const SLOWEST = 250;
const START_MS = 60_000;

/**
 * Sends reports through two intakes to ten consumers of one subscription at two gateways, kills the gateway that
 * owns the subscription, starts it again, restarts nats-server, and checks everything that was seen. Resolves with
 * whether all was as it should be; rejects where nats-server is not installed.
 */
export async function soakFleet(
  events: number,
  kill: boolean,
  say: (text: string) => void,
): Promise<boolean> {
  const limit = AbortSignal.timeout(START_MS + (events / SLOWEST) * 1_000);
  const folder = await mkdtemp(join(tmpdir(), "infobip-rpc-soak-fleet-"));
  await using owned = new AsyncDisposableStack();
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const begin = async (): Promise<LocalNatsServer> => {
    const server = await startLocalNatsServer(folder, port);
    if (server === undefined) throw new Error("nats-server is not installed");
    return owned.use(server);
  };
  const nats = await begin();
  const run = owned.use(
    await EventsRun.start({
      natsUrl: nats.url,
      prefix: "SOAK",
      members: [
        { name: "E1", roles: "intake" },
        { name: "G1", roles: "send,events,intake" },
        { name: "G2", roles: "events,send" },
      ],
      intakes: ["E1", "G1"],
      gateways: ["G1", "G2"],
      consumersPerGateway: 5,
      messages: Math.ceil(events / STEPS),
      seed: 1,
    }),
  );
  const startedAt = performance.now();
  const outcome = await run.run(async (signal) => {
    await run.untilTaken(0.25, signal);
    const owner = run.fleet.ownerOf(SUBSCRIPTION_UNIT);
    say(`a quarter is in: kill -9 of ${owner.name}, which owns the subscription`);
    await owner.kill();
    await run.untilTaken(0.45, signal);
    say(`nats-server is ${kill ? "killed with -9" : "stopped"} and started again`);
    if (kill) process.kill(nats.pid, "SIGKILL");
    await nats[Symbol.asyncDispose]();
    await begin();
    await run.untilTaken(0.6, signal);
    say(`${owner.name} is started again`);
    await owner.start();
  }, limit);
  const seconds = (performance.now() - startedAt) / 1_000;
  say(`${outcome.events} events in ${seconds.toFixed(1)} s`);
  return report(outcome, events, say);
}

function report(outcome: EventsOutcome, events: number, say: (text: string) => void): boolean {
  const { violations, differing, crashes, views, statuses } = outcome;
  const answers = [...statuses].map(([status, count]) => `${count} × ${status === 0 ? "none" : status}`);
  say(`webhooks answered: ${answers.join(", ")}; the longest took ${Math.round(outcome.longestPostMs)} ms`);
  say(`sessions ended: ${[...outcome.ends].map(([how, count]) => `${count} × ${how}`).join(", ")}`);
  say(
    `${outcome.deliveries} deliveries in ${outcome.sessions} sessions, ${outcome.streams} streams of watchers`,
  );
  for (const { rule, text } of violations) say(`FAIL ${rule}: ${text}`);
  const [first, ...others] = views.map((view) => JSON.stringify(view));
  const checks = [
    { what: "events in the log", is: outcome.events, expected: Math.ceil(events / STEPS) * STEPS },
    { what: "violations of a guarantee", is: violations.length, expected: 0 },
    { what: "messages that gateways tell different things of", is: differing.length, expected: 0 },
    {
      what: "gateways with another view of the log",
      is: others.filter((view) => view !== first).length,
      expected: 0,
    },
    { what: "processes that ended by themselves", is: crashes, expected: 0 },
  ];
  for (const { what, is, expected } of checks)
    say(`${is === expected ? "ok  " : "FAIL"} ${what}: ${is} (expected ${expected})`);
  return checks.every(({ is, expected }) => is === expected);
}
