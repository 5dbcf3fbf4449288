import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LocalNatsServer, startLocalNatsServer } from "../src/cli/demo/local-nats-server.ts";
import { freePort } from "../src/cli/free-port.ts";
import { measureStreams, postEvents } from "./fan-out.ts";
import { latencyRow, measureDelays } from "./latency.ts";
import { cpuMicroseconds, residentMiB } from "./process-usage.ts";
import { reportBody } from "./reports.ts";
import type { Row } from "./row.ts";
import { type ServiceProcess, startService } from "./service-process.ts";
import { median, round } from "./statistics.ts";
import { WebhookPoster } from "./webhook-poster.ts";

const REPORTS_PER_POST = 100;
const IN_FLIGHT = 4;
const STREAMS = 100;

/** How much is measured. */
export interface FleetSize {
  readonly posts: number;
  readonly rounds: number;
  /** Posts of one round with subscribers. */
  readonly watchPosts: number;
  readonly latencyPosts: number;
}

/**
 * The same work over NATS: an intake, a gateway, and nats-server, each a
 * process of its own, against the embedded engine in the same run.
 */
export async function measureFleet(size: FleetSize): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), "infobip-rpc-bench-nats-"));
  try {
    await using nats = await startLocalNatsServer(folder, await freePort());
    if (nats === undefined) throw new Error("the group fleet needs nats-server: apt-get install nats-server");
    return await measureOver(nats, size);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureOver(nats: LocalNatsServer, size: FleetSize): Promise<Row[]> {
  const shared = { EVENTLOG_URL: nats.url, NATS_REPLICAS: "1" };
  await using embedded = await startService();
  await using intake = await startService({ ...shared, ROLES: "intake" });
  await using gateway = await startService({ ...shared, ROLES: "events" });
  await using posterOfEmbedded = new WebhookPoster(embedded.webhookUrl("delivery"), IN_FLIGHT);
  await using poster = new WebhookPoster(intake.webhookUrl("delivery"), IN_FLIGHT);
  const appends = await measureAppends({ nats, embedded, intake, gateway, posterOfEmbedded, poster, size });
  const delays = await measureDelays(poster, gateway.grpc, { posts: size.latencyPosts });
  await postEvents(gateway, poster, "warm", size.watchPosts);
  const plan = { streams: STREAMS, posts: size.watchPosts, rounds: size.rounds };
  const fanOut = await measureStreams(gateway, poster, plan);
  const what = "webhook 200 at an intake to subscriber at a gateway, over NATS";
  return [
    ...appends,
    { ...fanOut, name: `fleet-${fanOut.name}`, what: `${fanOut.what}, at a gateway over NATS` },
    latencyRow("fleet-latency", what, delays, 0.5),
    latencyRow("fleet-latency", what, delays, 0.99),
  ];
}

interface AppendRig {
  readonly nats: LocalNatsServer;
  readonly embedded: ServiceProcess;
  readonly intake: ServiceProcess;
  readonly gateway: ServiceProcess;
  readonly posterOfEmbedded: WebhookPoster;
  readonly poster: WebhookPoster;
  readonly size: FleetSize;
}

/** CPU of each process for one report, the embedded engine and the fleet taking turns. */
async function measureAppends(rig: AppendRig): Promise<Row[]> {
  const { nats, embedded, intake, gateway, size } = rig;
  const embeddedUs: number[] = [];
  const intakeUs: number[] = [];
  const natsUs: number[] = [];
  const gatewayUs: number[] = [];
  const reports = size.posts * REPORTS_PER_POST;
  for (let turn = 0; turn <= size.rounds; turn++) {
    const bodies = bodiesOf(`f${turn}`, size.posts);
    const before = [embedded, intake, gateway].map((service) => service.cpuMicroseconds());
    const natsBefore = cpuMicroseconds(nats.pid);
    await rig.posterOfEmbedded.postAll(bodies, IN_FLIGHT);
    await rig.poster.postAll(bodies, IN_FLIGHT);
    // The gateway has all of it once it has what came last.
    await measureDelays(rig.poster, gateway.grpc, { posts: 1 }, `end${turn}`);
    // The first turn warms everything up.
    if (turn === 0) continue;
    const [ofEmbedded = 0, ofIntake = 0, ofGateway = 0] = [embedded, intake, gateway].map(
      (service, at) => (service.cpuMicroseconds() - (before[at] ?? 0)) / reports,
    );
    embeddedUs.push(ofEmbedded);
    intakeUs.push(ofIntake);
    gatewayUs.push(ofGateway);
    natsUs.push((cpuMicroseconds(nats.pid) - natsBefore) / reports);
  }
  const details = {
    embedded_us_per_report: embeddedUs.map(round),
    intake_us_per_report: intakeUs.map(round),
    nats_us_per_report: natsUs.map(round),
    gateway_us_per_report: gatewayUs.map(round),
    nats_resident_mib: round(residentMiB(nats.pid)),
    gateway_resident_mib: round(gateway.residentMiB()),
  };
  const ratio = (us: readonly number[]): number => round(median(us) / median(embeddedUs));
  return [
    {
      name: "fleet-append",
      what: "CPU of an intake over NATS, 100 reports a POST, against the embedded engine",
      measured: ratio(intakeUs),
      unit: "x",
      details,
    },
    {
      name: "fleet-replica",
      what: "CPU of one more gateway for the same reports, against the embedded engine's intake",
      measured: ratio(gatewayUs),
      unit: "x",
      details,
    },
    {
      name: "fleet-nats-server",
      what: "CPU of nats-server for the same reports, one replica of the stream, against the embedded engine's intake",
      measured: ratio(natsUs),
      unit: "x",
      details,
    },
  ];
}

function bodiesOf(run: string, posts: number): string[] {
  return Array.from({ length: posts }, (_, i) => reportBody(run, i * REPORTS_PER_POST, REPORTS_PER_POST));
}
