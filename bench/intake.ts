import { insertPeer } from "./peers/parse-and-insert.ts";
import { reportBody } from "./reports.ts";
import type { Row } from "./row.ts";
import { startService } from "./service-process.ts";
import { median, round } from "./statistics.ts";
import { WebhookPoster } from "./webhook-poster.ts";

const REPORTS_PER_POST = 100;
const IN_FLIGHT = 4;
const BUDGET = 2;

/** How much is measured. */
export interface IntakeSize {
  readonly posts: number;
  readonly rounds: number;
}

/**
 * CPU of the service for durable intake over HTTP, against a process that only
 * parses the same bodies and inserts the same rows in one transaction each.
 * Both take turns, so that what else the machine does weighs on both.
 */
export async function measureIntake(size: IntakeSize): Promise<Row> {
  await using service = await startService();
  await using poster = new WebhookPoster(service.webhookUrl("delivery"), IN_FLIGHT);
  await using peer = await insertPeer();
  const ours: number[] = [];
  const bare: number[] = [];
  await poster.postAll(bodies("warm", size.posts), IN_FLIGHT);
  await peer.run(bodies("warm", size.posts));
  for (let round = 0; round < size.rounds; round++) {
    const run = `r${round}`;
    const before = service.cpuMicroseconds();
    await poster.postAll(bodies(run, size.posts), IN_FLIGHT);
    ours.push((service.cpuMicroseconds() - before) / (size.posts * REPORTS_PER_POST));
    bare.push((await peer.run(bodies(run, size.posts))) / (size.posts * REPORTS_PER_POST));
  }
  return {
    name: "intake",
    what: "CPU of durable intake, 100 reports a POST, against JSON.parse + the same insert",
    measured: round(median(ours) / median(bare)),
    unit: "x",
    budget: BUDGET,
    details: { service_us_per_report: ours.map(round), peer_us_per_report: bare.map(round) },
  };
}

function bodies(run: string, posts: number): string[] {
  return Array.from({ length: posts }, (_, i) => reportBody(run, i * REPORTS_PER_POST, REPORTS_PER_POST));
}
