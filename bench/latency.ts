import { setTimeout as wait } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { messageId, reportBody } from "./reports.ts";
import type { Row } from "./row.ts";
import { startService } from "./service-process.ts";
import { percentile, round } from "./statistics.ts";
import { WebhookPoster } from "./webhook-poster.ts";

const EVENTS_PER_POST = 10;
const POST_INTERVAL_MS = 10;
const P50_BUDGET_MS = 2;
const P99_BUDGET_MS = 15;

/** How much is measured. */
export interface LatencySize {
  readonly posts: number;
}

/**
 * Time from the webhook's 200 to the subscriber having the event, at 1,000
 * events a second in posts of 10. Both ends are this process, so one clock
 * counts. An event that the subscriber has before the 200 counts as 0.
 */
export async function measureLatency(size: LatencySize): Promise<Row[]> {
  await using service = await startService();
  await using poster = new WebhookPoster(service.webhookUrl("delivery"), 8);
  const delays = await measureDelays(poster, service.grpc, size);
  return [
    latencyRow("latency", "webhook 200 to subscriber", delays, 0.5, P50_BUDGET_MS),
    latencyRow("latency", "webhook 200 to subscriber", delays, 0.99, P99_BUDGET_MS),
  ];
}

/** The times, in milliseconds, from the 200 of a poster's service to a subscriber at a gRPC address. `run` names the messages: each run needs its own. */
export async function measureDelays(
  poster: WebhookPoster,
  grpc: string,
  size: LatencySize,
  run = "latency",
): Promise<number[]> {
  const arrivals = new Map<string, number>();
  const total = size.posts * EVENTS_PER_POST;
  const expected = new Set(Array.from({ length: total }, (_, n) => messageId(run, n)));
  const watch = beginWatch(grpc, arrivals, expected);
  await watch.begun;
  const answered: number[] = [];
  const posting: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let n = 0; n < size.posts; n++) {
    const due = startedAt + n * POST_INTERVAL_MS - performance.now();
    if (due > 0) await wait(due);
    const body = reportBody(run, n * EVENTS_PER_POST, EVENTS_PER_POST);
    posting.push(
      poster.post(body).then(() => {
        answered[n] = performance.now();
      }),
    );
  }
  await Promise.all(posting);
  await watch.done;
  return Array.from({ length: total }, (_, n) =>
    Math.max(
      0,
      (arrivals.get(messageId(run, n)) ?? Number.NaN) -
        (answered[Math.floor(n / EVENTS_PER_POST)] ?? Number.NaN),
    ),
  );
}

/** Notes when each expected message's event arrives; `done` resolves once all of them have. */
function beginWatch(
  address: string,
  arrivals: Map<string, number>,
  expected: ReadonlySet<string>,
): { readonly begun: Promise<void>; readonly done: Promise<void> } {
  const events = createClient(EventsService, createGrpcTransport({ baseUrl: `http://${address}` }));
  const stop = new AbortController();
  const begun = Promise.withResolvers<void>();
  const watch = async (): Promise<void> => {
    for await (const { frame } of events.watchEvents({}, { signal: stop.signal })) {
      if (frame.case === "started") begun.resolve();
      if (frame.case !== "events") continue;
      const now = performance.now();
      const ids = frame.value.events.map((event) => event.messageId ?? "");
      for (const id of ids.filter((name) => expected.has(name))) arrivals.set(id, now);
      if (arrivals.size >= expected.size) return;
    }
  };
  const done = watch().finally(() => stop.abort());
  return { begun: Promise.race([begun.promise, done]), done };
}

/** One row of a latency: a percentile of the delays. */
export function latencyRow(
  group: string,
  what: string,
  delays: readonly number[],
  fraction: number,
  budget?: number,
): Row {
  const name = `p${Math.round(fraction * 100)}`;
  return {
    name: `${group}-${name}`,
    what: `${what}, ${name}, 1,000 events a second`,
    measured: round(percentile(delays, fraction)),
    unit: "ms",
    ...(budget === undefined ? {} : { budget }),
    details: { events: delays.length, max_ms: round(percentile(delays, 1)) },
  };
}
