import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import {
  MeterProvider,
  type MetricProducer,
  MetricReader,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import { HistogramProducer } from "./histogram-producer.ts";
import { METER_NAME, type MetricsSources, temporalityOf } from "./metrics-sources.ts";
import { prometheusName } from "./prometheus-names.ts";

/** Longest that the sources of a scrape may take, in milliseconds. What comes later is left out. */
const COLLECT_TIMEOUT_MS = 5_000;

/** Reads on demand. */
class ScrapeReader extends MetricReader {
  constructor(histograms: MetricProducer) {
    super({ metricProducers: [histograms], aggregationTemporalitySelector: temporalityOf });
  }

  protected override async onForceFlush(): Promise<void> {}

  protected override async onShutdown(): Promise<void> {}
}

/** Reads the instruments and writes them down in Prometheus' text format. */
export class PrometheusReader implements AsyncDisposable {
  readonly #reader: ScrapeReader;
  readonly #provider: MeterProvider;
  /** Nothing about the process or the library is added to what the instruments say. */
  readonly #serializer = new PrometheusSerializer("", false, undefined, true, true);

  constructor({ register, ...histograms }: MetricsSources) {
    this.#reader = new ScrapeReader(new HistogramProducer({ scope: METER_NAME, ...histograms }));
    this.#provider = new MeterProvider({ readers: [this.#reader] });
    register(this.#provider.getMeter(METER_NAME));
  }

  /** The page. An instrument whose source fails is left out. */
  async page(): Promise<string> {
    const { resourceMetrics } = await this.#reader.collect({ timeoutMillis: COLLECT_TIMEOUT_MS });
    return this.#serializer.serialize(named(resourceMetrics));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#provider.shutdown();
  }
}

/** The same with the names that Prometheus' rules ask for, which have the units in them. */
function named(resourceMetrics: ResourceMetrics): ResourceMetrics {
  const scopeMetrics = resourceMetrics.scopeMetrics.map((scope) => ({
    ...scope,
    metrics: scope.metrics.map((metric) => ({
      ...metric,
      descriptor: { ...metric.descriptor, name: prometheusName(metric), unit: "" },
    })),
  }));
  return { ...resourceMetrics, scopeMetrics };
}
