import type { Meter } from "@opentelemetry/api";
import type { ReadableHistogram } from "./histogram.ts";
import type { MetricsSources } from "./metrics-sources.ts";
import type { OtlpMetrics, OtlpMetricsOptions } from "./otlp-metrics.ts";
import type { PrometheusReader } from "./prometheus-reader.ts";

/** Some of the metrics. */
export interface MetricsSource {
  /** Makes the instruments; once for each reader. */
  register(meter: Meter): void;
  readonly histograms?: readonly ReadableHistogram[];
}

/** The readers of all metrics. Each is loaded when it is first asked for, with the SDK. */
export class MetricsReaders implements AsyncDisposable {
  readonly #sources: MetricsSources;
  #reader: Promise<PrometheusReader> | undefined;
  #reading: Promise<string> | undefined;
  #otlp: OtlpMetrics | undefined;

  /** `now` tells Unix milliseconds. */
  constructor(sources: readonly MetricsSource[], now: () => number) {
    this.#sources = {
      register: (meter) => {
        for (const source of sources) source.register(meter);
      },
      histograms: sources.flatMap((source) => source.histograms ?? []),
      startMs: now(),
      now,
    };
  }

  /** The page. Scrapes at one time share one reading. */
  page(): Promise<string> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Begins to export; to be called once at most. */
  async export(options: OtlpMetricsOptions): Promise<void> {
    const { OtlpMetrics: Export } = await import("./otlp-metrics.ts");
    this.#otlp = new Export(this.#sources, options);
  }

  async #read(): Promise<string> {
    this.#reader ??= this.#open().catch((error: unknown) => {
      this.#reader = undefined;
      throw error;
    });
    return (await this.#reader).page();
  }

  async #open(): Promise<PrometheusReader> {
    const { PrometheusReader: Reader } = await import("./prometheus-reader.ts");
    return new Reader(this.#sources);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reader = this.#reader;
    this.#reader = undefined;
    const opened = await reader?.catch(() => undefined);
    await opened?.[Symbol.asyncDispose]();
    await this.#otlp?.[Symbol.asyncDispose]();
  }
}
