import type { Row } from "./row.ts";
import type { SendTarget } from "./send-callers.ts";
import { type LoadResult, type SendLoad, startLoad, type WarmUpSize, warmUp } from "./send-load.ts";
import { startService } from "./service-process.ts";
import { median, round } from "./statistics.ts";
import { startUpstream } from "./upstream.ts";

const LEVELS = [1, 16, 128] as const;
const ADDED_BUDGET = 1.5;
/** Time that an upstream takes to answer which is not on the same machine, in milliseconds. */
const FAR_UPSTREAM_MS = 20;
/** Connections at each level: one call needs no more than one. */
const CONNECTIONS = { 1: 1, 16: 4, 128: 4 } as const;

/** How much is measured. */
export interface SendLatencySize extends WarmUpSize {
  /** Length of one phase: one way of calling at one level, in one round. */
  readonly phaseMs: number;
  readonly rounds: number;
}

/** The phases of one level, one of each kind a round. */
interface Level {
  readonly service: LoadResult[];
  readonly relaxed: LoadResult[];
  /** The REST call that the client makes itself, by undici's `request`. */
  readonly bare: LoadResult[];
  /** The same by `fetch`, as most programs would. */
  readonly fetched: LoadResult[];
}

/**
 * Time of a SendMessages call over gRPC as its client sees it, against the
 * POST that it stands for, which the same client sends to the same upstream
 * by undici. First with an upstream that answers at once, so that nothing
 * hides what is added; then with one that takes as long as a far one does.
 */
export async function measureSendLatency(size: SendLatencySize): Promise<Row[]> {
  await using load = await startLoad();
  const rows = await measureWith(load, size, 0, (inFlight, level) => [
    ...(inFlight === 1 ? [addedRow(level)] : []),
    ...totalRows(inFlight, level),
  ]);
  return [...rows, ...(await measureWith(load, size, FAR_UPSTREAM_MS, farRows))];
}

async function measureWith(
  load: SendLoad,
  size: SendLatencySize,
  upstreamMs: number,
  rowsOf: (inFlight: number, level: Level) => Row[],
): Promise<Row[]> {
  await using upstream = await startUpstream(upstreamMs);
  const settings = { UPSTREAM_BASE_URL: upstream.url };
  await using service = await startService(settings);
  await using relaxed = await startService({ ...settings, EVENTS_SEND_RESULTS: "relaxed" });
  const { host } = new URL(upstream.url);
  const targets = (connections: number): Readonly<Record<keyof Level, SendTarget>> => ({
    service: { protocol: "grpc", address: service.grpc, connections, requestIds: false },
    relaxed: { protocol: "grpc", address: relaxed.grpc, connections, requestIds: false },
    bare: { protocol: "undici", address: host, connections, requestIds: false },
    fetched: { protocol: "fetch", address: host, connections, requestIds: false },
  });
  for (const target of Object.values(targets(1))) await warmUp(load, target, size);
  const rows: Row[] = [];
  for (const inFlight of LEVELS) {
    const level = await runLevel(load, size, inFlight, targets(CONNECTIONS[inFlight]));
    rows.push(...rowsOf(inFlight, level));
  }
  return rows;
}

/** Rounds in which all kinds take turns. */
async function runLevel(
  load: SendLoad,
  { phaseMs, rounds }: SendLatencySize,
  inFlight: number,
  targets: Readonly<Record<keyof Level, SendTarget>>,
): Promise<Level> {
  const level: Level = { service: [], relaxed: [], bare: [], fetched: [] };
  const kinds = Object.keys(targets) as (keyof Level)[];
  for (let r = 0; r < rounds; r++) {
    for (const kind of r % 2 === 0 ? kinds : kinds.toReversed()) {
      level[kind].push(await load.run({ target: targets[kind], inFlight, milliseconds: phaseMs }));
    }
  }
  return level;
}

function addedRow({ service, bare }: Level): Row {
  return {
    name: "send-added-latency",
    what: "latency added to the bare REST call, p50, 1 in flight: (service - bare) / bare",
    measured: round(median(ratios(service, bare)) - 1),
    unit: "x",
    budget: ADDED_BUDGET,
    details: details(service, bare),
  };
}

/** The bare call opens as many connections as it has calls in flight, as a program without a gateway would. */
function farRows(inFlight: number, { service, bare }: Level): Row[] {
  return [
    {
      name: `send-latency-${inFlight}-far`,
      what: `latency of SendMessages against the bare REST call, p50, ${inFlight} in flight, upstream takes ${FAR_UPSTREAM_MS} ms`,
      measured: round(median(ratios(service, bare))),
      unit: "x",
      ...(inFlight === 1 ? { budget: ADDED_BUDGET } : {}),
      details: details(service, bare),
    },
  ];
}

function totalRows(inFlight: number, { service, relaxed, bare, fetched }: Level): Row[] {
  const row = (
    suffix: string,
    what: string,
    ours: readonly LoadResult[],
    peer: readonly LoadResult[],
  ): Row => ({
    name: `send-latency-${inFlight}${suffix}`,
    what: `latency of SendMessages against the bare REST call${what}, p50, ${inFlight} in flight`,
    measured: round(median(ratios(ours, peer))),
    unit: "x",
    details: details(ours, peer),
  });
  return [
    row("", "", service, bare),
    row("-relaxed", ", send_results relaxed", relaxed, bare),
    row("-fetch", " by fetch", service, fetched),
  ];
}

function ratios(service: readonly LoadResult[], bare: readonly LoadResult[]): number[] {
  return service.map(({ p50Ms }, r) => p50Ms / (bare[r]?.p50Ms ?? Number.NaN));
}

function details(service: readonly LoadResult[], bare: readonly LoadResult[]): Row["details"] {
  return {
    service_p50_ms: service.map(({ p50Ms }) => round(p50Ms)),
    service_p99_ms: service.map(({ p99Ms }) => round(p99Ms)),
    bare_p50_ms: bare.map(({ p50Ms }) => round(p50Ms)),
    bare_p99_ms: bare.map(({ p99Ms }) => round(p99Ms)),
  };
}
