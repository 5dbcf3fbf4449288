import {
  constants,
  type EventLoopUtilization,
  monitorEventLoopDelay,
  type PerformanceEntry,
  PerformanceObserver,
  performance,
} from "node:perf_hooks";
import { getHeapSpaceStatistics } from "node:v8";
import type { ProcessReading, ProcessSource } from "./telemetry/process-metrics.ts";

/** How often the event loop is asked whether it is late, in milliseconds. */
const DELAY_RESOLUTION_MS = 20;
const NANOSECONDS = 1e9;
const MICROSECONDS = 1e6;

/** Names of the kinds of garbage collections. */
const GC_KINDS: ReadonlyMap<unknown, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weakcb"],
]);

/** Reads this process. Watches nothing before it is told to. */
export function createProcessSource(): ProcessSource {
  return new ThisProcess();
}

class ThisProcess implements ProcessSource {
  readonly #watches: ProcessWatch[] = [];
  #collections: PerformanceObserver | undefined;

  watch(): () => ProcessReading {
    const watch = new ProcessWatch();
    this.#watches.push(watch);
    return () => watch.read();
  }

  watchCollections(onCollection: (kind: string, seconds: number) => void): void {
    this.#collections ??= observeCollections(onCollection);
  }

  [Symbol.dispose](): void {
    for (const watch of this.#watches) watch[Symbol.dispose]();
    this.#collections?.disconnect();
  }
}

function observeCollections(onCollection: (kind: string, seconds: number) => void): PerformanceObserver {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      onCollection(GC_KINDS.get(kindOf(entry)) ?? "minor", entry.duration / 1_000);
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  return observer;
}

/** What one reader watches over time. */
class ProcessWatch implements Disposable {
  readonly #delays = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  #loop: EventLoopUtilization = performance.eventLoopUtilization();

  constructor() {
    this.#delays.enable();
  }

  read(): ProcessReading {
    const cpu = process.cpuUsage();
    const loop = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(loop, this.#loop);
    this.#loop = loop;
    return {
      residentBytes: process.memoryUsage.rss(),
      heapSpaces: getHeapSpaceStatistics().map((space) => ({
        name: space.space_name,
        usedBytes: space.space_used_size,
        sizeBytes: space.space_size,
      })),
      cpu: { user: cpu.user / MICROSECONDS, system: cpu.system / MICROSECONDS },
      uptime: process.uptime(),
      delay: this.#readDelays(),
      loop: { active: loop.active / 1_000, idle: loop.idle / 1_000, utilization },
    };
  }

  #readDelays(): ProcessReading["delay"] {
    const delays = this.#delays;
    if (delays.count === 0) return undefined;
    // The histogram counts the whole interval between two looks.
    const late = (nanoseconds: number): number =>
      Math.max(0, nanoseconds / NANOSECONDS - DELAY_RESOLUTION_MS / 1_000);
    const reading = {
      p50: late(delays.percentile(50)),
      p99: late(delays.percentile(99)),
      max: late(delays.max),
    };
    delays.reset();
    return reading;
  }

  [Symbol.dispose](): void {
    this.#delays.disable();
  }
}

function kindOf(entry: PerformanceEntry): unknown {
  const { detail } = entry as { readonly detail?: { readonly kind?: unknown } };
  return detail?.kind;
}
