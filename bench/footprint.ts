import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import type { Row } from "./row.ts";
import { type SendLoad, startLoad } from "./send-load.ts";
import { buildBundle } from "./service-bundle.ts";
import { startService } from "./service-process.ts";
import { median, round } from "./statistics.ts";
import { startUpstream } from "./upstream.ts";

const READY_BUDGET_MS = 300;
const IDLE_BUDGET_MIB = 100;
const LOAD_BUDGET_MIB = 220;
const IN_FLIGHT = 128;
const CONNECTIONS = 4;
/** Time after the start at which an idle service's memory is read. */
const SETTLE_MS = 3_000;
/** Longest time for the calls. */
const LOAD_MS = 300_000;

/** How much is measured. */
export interface FootprintSize {
  /** Starts of the service, each beside one of bare Node. */
  readonly starts: number;
  /** Services whose memory is measured, one after the other. */
  readonly services: number;
  /** Calls to each of them. */
  readonly calls: number;
}

/**
 * What the service takes before it does anything, and at full load: time until it is ready, resident memory when it is idle, and
 * the most that was resident during so many SendMessages with 128 in flight. All from the bundle, with all four
 * listeners open, as users run it.
 */
export async function measureFootprint(size: FootprintSize): Promise<Row[]> {
  await using bundle = await buildBundle();
  return [...(await startRows(bundle.file, size.starts)), ...(await memoryRows(bundle.file, size))];
}

async function startRows(bundle: string, starts: number): Promise<Row[]> {
  const ready: number[] = [];
  const bare: number[] = [];
  for (let n = 0; n < starts; n++) {
    bare.push(await bareNodeMs());
    await using service = await startService(ALL_LISTENERS, bundle);
    ready.push(service.readyMs);
  }
  const details = { ready_ms: ready.map(round), bare_node_ms: bare.map(round) };
  return [
    {
      name: "startup",
      what: "from the start of the bundle to ready, new log, median",
      measured: round(median(ready)),
      unit: "ms",
      budget: READY_BUDGET_MS,
      details,
    },
    {
      name: "startup-ratio",
      what: "the same against `node -e 0` in turns, which says more on a busy machine",
      measured: round(median(ready.map((ms, n) => ms / (bare[n] ?? Number.NaN)))),
      unit: "x",
      details,
    },
  ];
}

const ALL_LISTENERS = { HTTP_LISTEN: "127.0.0.1:0", ADMIN_LISTEN: "127.0.0.1:0" };

async function bareNodeMs(): Promise<number> {
  const startedAt = performance.now();
  await once(spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }), "exit");
  return performance.now() - startedAt;
}

async function memoryRows(bundle: string, { services, calls }: FootprintSize): Promise<Row[]> {
  await using load = await startLoad();
  const idle: number[] = [];
  const peak: number[] = [];
  const after: number[] = [];
  for (let n = 0; n < services; n++) {
    const memory = await measureMemory(bundle, load, calls);
    idle.push(memory.idle);
    peak.push(memory.peak);
    after.push(memory.after);
  }
  return [
    {
      name: "rss-idle",
      what: "resident memory of the idle bundle",
      measured: round(median(idle)),
      unit: "MiB",
      budget: IDLE_BUDGET_MIB,
      details: { mib: idle.map(round) },
    },
    {
      name: "rss-load",
      what: `most resident memory during ${calls} SendMessages, ${IN_FLIGHT} in flight`,
      measured: round(median(peak)),
      unit: "MiB",
      budget: LOAD_BUDGET_MIB,
      details: { peak_mib: peak.map(round), after_mib: after.map(round), calls },
    },
  ];
}

async function measureMemory(
  bundle: string,
  load: SendLoad,
  calls: number,
): Promise<{ readonly idle: number; readonly peak: number; readonly after: number }> {
  await using upstream = await startUpstream();
  await using service = await startService({ ...ALL_LISTENERS, UPSTREAM_BASE_URL: upstream.url }, bundle);
  await wait(SETTLE_MS);
  const idle = service.residentMiB();
  const target = {
    protocol: "grpc",
    address: service.grpc,
    connections: CONNECTIONS,
    requestIds: false,
  } as const;
  const done = await load.run({ target, inFlight: IN_FLIGHT, milliseconds: LOAD_MS, maxCalls: calls });
  if (done.calls < calls) throw new Error(`only ${done.calls} of ${calls} calls in ${LOAD_MS} ms`);
  return { idle, peak: service.peakResidentMiB(), after: service.residentMiB() };
}
