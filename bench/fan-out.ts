import { reportBody } from "./reports.ts";
import type { Row } from "./row.ts";
import { type ServiceProcess, startService } from "./service-process.ts";
import { median, round } from "./statistics.ts";
import { openWatchers } from "./watchers.ts";
import { WebhookPoster } from "./webhook-poster.ts";

const EVENTS_PER_POST = 100;
/** Design budget, for 100 subscribers; the others are reported. */
const BUDGET_US = 5;
const BUDGETED_STREAMS = 100;

/** How much is measured. */
export interface FanOutSize {
  /** Posts for each number of subscribers. */
  readonly posts: Readonly<Record<number, number>>;
  readonly rounds: number;
}

/**
 * CPU that one event costs for each WatchEvents stream it goes to, over gRPC:
 * what the service used with the streams, less what it used without, divided
 * by events and streams.
 */
export async function measureFanOut(size: FanOutSize): Promise<Row[]> {
  await using service = await startService();
  await using poster = new WebhookPoster(service.webhookUrl("delivery"), 1);
  await postEvents(service, poster, "warm", 100);
  const rows: Row[] = [];
  for (const [key, posts] of Object.entries(size.posts)) {
    rows.push(await measureStreams(service, poster, { streams: Number(key), posts, rounds: size.rounds }));
  }
  return rows;
}

/** One row: so many streams on a service whose events come in through the poster. */
export async function measureStreams(
  service: ServiceProcess,
  poster: WebhookPoster,
  plan: { readonly streams: number; readonly posts: number; readonly rounds: number },
): Promise<Row> {
  const { streams, posts, rounds } = plan;
  const events = posts * EVENTS_PER_POST;
  const alone: number[] = [];
  for (let r = 0; r < rounds; r++) alone.push(await postEvents(service, poster, `a${streams}-${r}`, posts));
  const watched: number[] = [];
  {
    await using watchers = await openWatchers(service.grpc, streams);
    for (let r = 0; r < rounds; r++) {
      const before = service.cpuMicroseconds();
      await postEvents(service, poster, `w${streams}-${r}`, posts);
      await watchers.seen(events * (r + 1));
      watched.push(service.cpuMicroseconds() - before);
    }
  }
  const each = watched.map((cpu) => (cpu - median(alone)) / (events * streams));
  return {
    name: `fan-out-${streams}`,
    what: `CPU an event and subscriber, ${streams} subscriber${streams === 1 ? "" : "s"}`,
    measured: round(median(each)),
    unit: "us",
    budget: streams === BUDGETED_STREAMS ? BUDGET_US : undefined,
    details: {
      events,
      us_per_event_and_subscriber: each.map(round),
      intake_us_per_event: round(median(alone) / events),
      resident_mib: round(service.residentMiB()),
    },
  };
}

/** Posts one body after the other; returns the CPU that the service used. */
export async function postEvents(
  service: ServiceProcess,
  poster: WebhookPoster,
  run: string,
  posts: number,
): Promise<number> {
  const bodies = Array.from({ length: posts }, (_, i) =>
    reportBody(run, i * EVENTS_PER_POST, EVENTS_PER_POST),
  );
  const before = service.cpuMicroseconds();
  await poster.postAll(bodies, 1);
  return service.cpuMicroseconds() - before;
}
