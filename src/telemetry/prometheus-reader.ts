import type { Meter } from "@opentelemetry/api";
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import {
  AggregationTemporality,
  InstrumentType,
  MeterProvider,
  type MetricProducer,
  MetricReader,
} from "@opentelemetry/sdk-metrics";
import type { ReadableHistogram } from "./histogram.ts";
import { HistogramProducer } from "./histogram-producer.ts";

/** Longest that the sources of a scrape may take, in milliseconds. What comes later is left out. */
const COLLECT_TIMEOUT_MS = 5_000;
const METER_NAME = "infobip-rpc";

/**
 * Reads on demand. The reader of the Prometheus exporter goes on telling the
 * last value of a gauge that is no longer observed, such as that of a deleted
 * subscription; with delta temporality a gauge tells what it observed just now.
 */
class ScrapeReader extends MetricReader {
  constructor(histograms: MetricProducer) {
    super({
      metricProducers: [histograms],
      aggregationTemporalitySelector: (type) =>
        type === InstrumentType.OBSERVABLE_GAUGE
          ? AggregationTemporality.DELTA
          : AggregationTemporality.CUMULATIVE,
    });
  }

  protected override async onForceFlush(): Promise<void> {}

  protected override async onShutdown(): Promise<void> {}
}

/** Reads the instruments and writes them down in Prometheus' text format. */
export class PrometheusReader implements AsyncDisposable {
  readonly #reader: ScrapeReader;
  readonly #provider: MeterProvider;
  /** Names stand as they are, and nothing about the process or the library is added. */
  readonly #serializer = new PrometheusSerializer("", false, undefined, true, true);

  /** Calls `register` with the meter to make the instruments with. */
  constructor(register: (meter: Meter) => void, histograms: readonly ReadableHistogram[]) {
    this.#reader = new ScrapeReader(new HistogramProducer(METER_NAME, histograms));
    this.#provider = new MeterProvider({ readers: [this.#reader] });
    register(this.#provider.getMeter(METER_NAME));
  }

  /** The page. An instrument whose source fails is left out. */
  async page(): Promise<string> {
    const { resourceMetrics } = await this.#reader.collect({ timeoutMillis: COLLECT_TIMEOUT_MS });
    return this.#serializer.serialize(resourceMetrics);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#provider.shutdown();
  }
}
