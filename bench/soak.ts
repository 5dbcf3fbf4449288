import { parseArgs } from "node:util";
import { reportBody } from "./reports.ts";
import { type ServiceProcess, startService } from "./service-process.ts";
import { soakCalls } from "./soak-calls.ts";
import { soakFleet } from "./soak-fleet.ts";
import { soakStream } from "./soak-stream.ts";
import { SoakSubscribers } from "./soak-subscribers.ts";
import { SoakWatcher } from "./soak-watcher.ts";
import { WebhookPoster } from "./webhook-poster.ts";

const USAGE = `Sends events through webhooks, WatchEvents and Subscribe with acknowledgements, stops and
restarts the service in the middle, and compares the counts. Exit code 1 when one does not match.

  npm run soak                        1,000,000 events
  npm run soak -- --events 50000      as many as you like, a multiple of 1,000
  npm run soak -- --kill              end the service with kill -9 instead of an orderly stop

With --stream it sends messages over one StreamMessages stream instead. Exit code 1 when a send has not
exactly one result, the upstream has not each message once, or the memory of the service grows.

  npm run soak -- --stream                   1,000,000 messages, after 150,000 to warm up
  npm run soak -- --stream --sends 50000     as many as you like

With --fleet it runs three processes of the service over nats-server, which must be installed: reports come in
through two intakes, ten consumers share one subscription, and its owner is killed. Exit code 1 when a
guarantee is broken or the gateways do not tell the same.

  npm run soak -- --fleet                    100,000 events
  npm run soak -- --fleet --events 20000     as many as you like, a multiple of 1,000
  npm run soak -- --fleet --kill             end nats-server with kill -9 instead of an orderly stop

With --calls or --minutes it sends unary calls through the bundle to the simulator, until so many calls or minutes
are over, and reads all reports by WatchEvents and Subscribe. Exit code 1 when a message was not sent, watched and
acknowledged once, the memory of the service grows, or its disk goes beyond what retention allows.

  npm run soak -- --calls 10000000 --minutes 10
  npm run soak -- --minutes 1
`;

const REPORTS_PER_POST = 100;
const IN_FLIGHT = 4;
const CONSUMERS = 4;
/** Every so many bodies one is posted twice, as Infobip does when an answer is lost. */
const REPEAT_EVERY = 10;
const RUN = "soak";
/** Bounds of a soak of unary calls: each message has a few bytes of counters. */
const MAX_CALLS = 10_000_000;
const MAX_MINUTES = 24 * 60;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Posts every body until it is answered with 200, also across the restart. */
async function postAll(
  service: () => Promise<ServiceProcess>,
  bodies: number,
  onPosted: () => void,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < bodies) {
      const n = next++;
      const body = reportBody(RUN, n * REPORTS_PER_POST, REPORTS_PER_POST);
      const times = n % REPEAT_EVERY === 0 ? 2 : 1;
      for (let time = 0; time < times; time++) await postUntilTaken(service, body);
      onPosted();
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

async function postUntilTaken(service: () => Promise<ServiceProcess>, body: string): Promise<void> {
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const url = (await service()).webhookUrl("delivery");
    try {
      await using poster = new WebhookPoster(url, 1);
      await poster.post(body);
      return;
    } catch {
      // The service is on its way down or up: the next round waits for the one that is up.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error("a body was not taken");
}

/** Counts of one side against what is expected of it. */
interface Check {
  readonly what: string;
  readonly is: number;
  readonly expected: number;
}

function report(checks: readonly Check[]): boolean {
  for (const { what, is, expected } of checks) {
    say(`${is === expected ? "ok  " : "FAIL"} ${what}: ${is} (expected ${expected})`);
  }
  return checks.every(({ is, expected }) => is === expected);
}

async function soak(events: number, kill: boolean): Promise<boolean> {
  const first = await startService();
  let current: Promise<ServiceProcess> = Promise.resolve(first);
  const service = (): Promise<ServiceProcess> => current;
  try {
    const watcher = new SoakWatcher(service, RUN, events);
    const subscribers = new SoakSubscribers(service, { run: RUN, events, consumers: CONSUMERS });
    await subscribers.create();
    const consuming = Promise.all([watcher.run(), subscribers.run()]);
    let posted = 0;
    const bodies = events / REPORTS_PER_POST;
    let restarted: Promise<unknown> = Promise.resolve();
    const onPosted = (): void => {
      posted++;
      if (posted !== Math.floor(bodies / 2)) return;
      say(`${posted * REPORTS_PER_POST} events posted: ${kill ? "kill -9" : "stop"} and restart`);
      current = restart(first, kill);
      restarted = current;
    };
    const startedAt = performance.now();
    await postAll(service, bodies, onPosted);
    await restarted;
    await consuming;
    const seconds = (performance.now() - startedAt) / 1000;
    say(
      `${events} events in ${seconds.toFixed(1)} s, ${(await service()).residentMiB().toFixed(0)} MiB resident`,
    );
    return report([...watcher.checks(), ...(await subscribers.checks(!kill))]);
  } finally {
    await (await current)[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
  }
}

async function restart(old: ServiceProcess, kill: boolean): Promise<ServiceProcess> {
  await old.stop(kill ? "SIGKILL" : "SIGTERM");
  return startService({ DATA_DIR: old.dataDir });
}

const { values } = parseArgs({
  options: {
    events: { type: "string" },
    kill: { type: "boolean" },
    stream: { type: "boolean", default: false },
    fleet: { type: "boolean", default: false },
    sends: { type: "string" },
    calls: { type: "string" },
    minutes: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const events = Number(values.events ?? (values.fleet ? 100_000 : 1_000_000));
const sends = Number(values.sends ?? 1_000_000);
const calls = Number(values.calls ?? MAX_CALLS);
const minutes = Number(values.minutes ?? MAX_MINUTES);
const byCalls = values.calls !== undefined || values.minutes !== undefined;
const isUsable = byCalls ? isPlainCallSoak() : isPlainEventSoak();
if (values.help || !isUsable) {
  say(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  process.exitCode = (await chosen()) ? 0 : 1;
}

/** Runs what the flags name. */
function chosen(): Promise<boolean> {
  const kill = values.kill === true;
  if (byCalls) return soakCalls({ calls, minutes }, say);
  if (values.stream) return soakStream(sends, say);
  return values.fleet ? soakFleet(events, kill, say) : soak(events, kill);
}

/** Whether the flags are those of a soak of unary calls, and within its bounds. */
function isPlainCallSoak(): boolean {
  const others = [values.events, values.kill, values.sends].some((value) => value !== undefined);
  if (others || values.stream || values.fleet) return false;
  return isCount(calls, 1) && calls <= MAX_CALLS && minutes > 0 && minutes <= MAX_MINUTES;
}

/** Whether the flags are those of one of the other soaks. */
function isPlainEventSoak(): boolean {
  return values.stream
    ? !values.fleet && values.events === undefined && values.kill === undefined && isCount(sends, 1)
    : values.sends === undefined && isCount(events, 1_000);
}

/** Whether it is a whole number of so many, at least once. */
function isCount(number: number, unit: number): boolean {
  return Number.isInteger(number) && number >= unit && number % unit === 0;
}
