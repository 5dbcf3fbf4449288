import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import type { MetricsExportConfig, TelemetryConfig } from "../config/telemetry-config.ts";
import { HistogramProducer } from "./histogram-producer.ts";
import { METER_NAME, type MetricsSources, temporalityOf } from "./metrics-sources.ts";

/** Longest that the last export may hold up the end of the process, in milliseconds. */
const LAST_EXPORT_MS = 3_000;
/** How the result of an export says that all went well; the SDK keeps the constant in a package of its own. */
const SUCCESS = 0;

/** What an export needs beside the sources. */
export interface OtlpMetricsOptions {
  readonly config: MetricsExportConfig;
  /** What all signals say about this process, complete. */
  readonly resource: TelemetryConfig["resource"]["attributes"];
  /** Told of each export, with the error when the collector did not take it. Must not throw. */
  readonly onExport: (error: Error | undefined) => void;
}

/** Exports the instruments to a collector by OTLP over HTTP until it is disposed of, and once more then. */
export class OtlpMetrics implements AsyncDisposable {
  readonly #provider: MeterProvider;

  constructor({ register, ...histograms }: MetricsSources, options: OtlpMetricsOptions) {
    const { intervalMs, timeoutMs } = options.config;
    const reader = new PeriodicExportingMetricReader({
      exporter: createExporter(options),
      exportIntervalMillis: intervalMs,
      exportTimeoutMillis: Math.min(timeoutMs, intervalMs),
      metricProducers: [new HistogramProducer({ scope: METER_NAME, ...histograms })],
    });
    this.#provider = new MeterProvider({
      readers: [reader],
      resource: resourceFromAttributes({ ...options.resource }),
    });
    register(this.#provider.getMeter(METER_NAME));
  }

  /** Never rejects. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#provider.shutdown({ timeoutMillis: LAST_EXPORT_MS }).catch(() => undefined);
  }
}

function createExporter({ config, onExport }: OtlpMetricsOptions): PushMetricExporter {
  const headers = Object.entries(config.headers).map(([name, value]) => [name, value.reveal()] as const);
  const exporter = new OTLPMetricExporter({
    url: config.endpoint.reveal(),
    headers: Object.fromEntries(headers),
    timeoutMillis: config.timeoutMs,
    compression: config.compression as NonNullable<
      ConstructorParameters<typeof OTLPMetricExporter>[0]
    >["compression"],
  });
  return {
    export: (metrics, done) =>
      exporter.export(metrics, (result) => {
        onExport(result.code === SUCCESS ? undefined : (result.error ?? new Error("the export failed")));
        done(result);
      }),
    selectAggregationTemporality: temporalityOf,
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
}
