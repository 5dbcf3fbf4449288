import type { BatchObservableResult, Meter } from "@opentelemetry/api";
import { ATTRIBUTE, METRIC } from "./conventions.ts";
import { Histogram, type Labels } from "./histogram.ts";

/** How the process is, read at one moment. */
export interface ProcessReading {
  /** Resident memory, in bytes. */
  readonly residentBytes: number;
  readonly heapSpaces: readonly {
    readonly name: string;
    readonly usedBytes: number;
    readonly sizeBytes: number;
  }[];
  /** Processor time since the start, in seconds. */
  readonly cpu: { readonly user: number; readonly system: number };
  /** Time since the start, in seconds. */
  readonly uptime: number;
  /** How late the event loop was since the last reading, in seconds; undefined before there is one. */
  readonly delay: { readonly p50: number; readonly p99: number; readonly max: number } | undefined;
  /** Time of the event loop since the start, in seconds, and the share that it was busy since the last reading. */
  readonly loop: { readonly active: number; readonly idle: number; readonly utilization: number };
}

/** Where readings come from. */
export interface ProcessSource extends Disposable {
  /** Begins to watch for one reader: what a reading tells is since the last one that this reader had. At most one call for each reader. */
  watch(): () => ProcessReading;
  /** Begins to tell each garbage collection, with its duration in seconds. Later calls do nothing. */
  watchCollections(onCollection: (kind: string, seconds: number) => void): void;
}

/** Kinds of garbage collections, as the conventions name them. */
const GC_KINDS = ["minor", "major", "incremental", "weakcb"];
/** Bounds that the conventions advise for v8js.gc.duration, and two between, in seconds. */
const GC_BOUNDS = [0.001, 0.01, 0.05, 0.1, 1, 10];

/** What identifies the build of a process. */
export interface BuildInfo {
  readonly version: string;
  /** Version of Node. */
  readonly node: string;
}

/** Tells how the process is, by OpenTelemetry's conventions for processes, Node and V8. */
export class ProcessMetrics {
  readonly #source: ProcessSource;
  readonly #build: BuildInfo;
  readonly #collections = new Histogram<Labels>({
    name: METRIC.gcDuration,
    description: "Duration of garbage collections by kind, since metrics were first asked for.",
    unit: "s",
    bounds: GC_BOUNDS,
  });

  /** For the readers. */
  readonly histograms = [this.#collections];

  constructor(source: ProcessSource, build: BuildInfo) {
    this.#source = source;
    this.#build = build;
    for (const kind of GC_KINDS) this.#collections.expect({ [ATTRIBUTE.gcType]: kind });
  }

  /** Makes the instruments and begins to watch. */
  register(meter: Meter): void {
    this.#source.watchCollections((kind, seconds) =>
      this.#collections.record({ [ATTRIBUTE.gcType]: kind }, seconds),
    );
    const read = this.#source.watch();
    meter
      .createObservableGauge("infobip_rpc_build_info", {
        description: "Always 1; the labels tell the versions of the service and of Node.",
      })
      .addCallback((result) => result.observe(1, { ...this.#build }));
    const instruments = createInstruments(meter);
    meter.addBatchObservableCallback(
      (result) => observe(result, instruments, read()),
      Object.values(instruments),
    );
  }
}

function createInstruments(meter: Meter) {
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableGauge(name, { unit, description });
  const counter = (name: string, unit: string, description: string) =>
    meter.createObservableCounter(name, { unit, description });
  return {
    resident: gauge(METRIC.processMemoryUsage, "By", "Memory of the process that is in physical memory."),
    heapUsed: gauge(METRIC.heapUsed, "By", "Memory in use of V8's heap, by space."),
    heapSize: gauge(METRIC.heapSpaceSize, "By", "Memory that V8 has reserved for its heap, by space."),
    cpu: counter(METRIC.processCpuTime, "s", "Processor time of the process, all threads together, by mode."),
    uptime: gauge(METRIC.processUptime, "s", "Time since the start of the process."),
    delayP50: gauge(METRIC.eventLoopDelayP50, "s", "Median delay of the event loop since the last reading."),
    delayP99: gauge(
      METRIC.eventLoopDelayP99,
      "s",
      "Delay of the event loop that 1 % exceed since the last reading.",
    ),
    delayMax: gauge(METRIC.eventLoopDelayMax, "s", "Longest delay of the event loop since the last reading."),
    utilization: gauge(
      METRIC.eventLoopUtilization,
      "1",
      "Share of time since the last reading for which the event loop was busy.",
    ),
    loopTime: counter(METRIC.eventLoopTime, "s", "Time of the event loop by state."),
  };
}

function observe(
  result: BatchObservableResult,
  instruments: ReturnType<typeof createInstruments>,
  reading: ProcessReading,
): void {
  result.observe(instruments.resident, reading.residentBytes);
  for (const { name, usedBytes, sizeBytes } of reading.heapSpaces) {
    const labels = { [ATTRIBUTE.heapSpaceName]: name };
    result.observe(instruments.heapUsed, usedBytes, labels);
    result.observe(instruments.heapSize, sizeBytes, labels);
  }
  for (const mode of ["user", "system"] as const) {
    result.observe(instruments.cpu, reading.cpu[mode], { [ATTRIBUTE.cpuMode]: mode });
  }
  result.observe(instruments.uptime, reading.uptime);
  if (reading.delay !== undefined) {
    result.observe(instruments.delayP50, reading.delay.p50);
    result.observe(instruments.delayP99, reading.delay.p99);
    result.observe(instruments.delayMax, reading.delay.max);
  }
  result.observe(instruments.utilization, reading.loop.utilization);
  for (const state of ["active", "idle"] as const) {
    result.observe(instruments.loopTime, reading.loop[state], { [ATTRIBUTE.eventLoopState]: state });
  }
}
