import { type HrTime, ValueType } from "@opentelemetry/api";
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type HistogramMetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import type { ReadableHistogram } from "./histogram.ts";

/** The page shows no times. */
const NO_TIME: HrTime = [0, 0];
/** The reader takes its own resource in place of this one. */
const NO_RESOURCE = {} as CollectionResult["resourceMetrics"]["resource"];

/** Gives histograms to the reader as they are: the SDK has no instrument that observes one that is counted elsewhere. */
export class HistogramProducer implements MetricProducer {
  readonly #scope: string;
  readonly #histograms: readonly ReadableHistogram[];

  constructor(scope: string, histograms: readonly ReadableHistogram[]) {
    this.#scope = scope;
    this.#histograms = histograms;
  }

  async collect(): Promise<CollectionResult> {
    const metrics = this.#histograms.map(toMetricData);
    const scopeMetrics = [{ scope: { name: this.#scope }, metrics }];
    return { resourceMetrics: { resource: NO_RESOURCE, scopeMetrics }, errors: [] };
  }
}

function toMetricData(histogram: ReadableHistogram): HistogramMetricData {
  const { name, description, bounds } = histogram.spec;
  const dataPoints = [...histogram.series()].map(({ labels, counts, sum, count }) => ({
    startTime: NO_TIME,
    endTime: NO_TIME,
    attributes: labels,
    value: { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count },
  }));
  return {
    descriptor: { name, description, unit: "", valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints,
  };
}
