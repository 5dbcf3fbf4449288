import { type HrTime, ValueType } from "@opentelemetry/api";
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type HistogramMetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import type { ReadableHistogram } from "./histogram.ts";

/** The reader takes its own resource in place of this one. */
const NO_RESOURCE = {} as CollectionResult["resourceMetrics"]["resource"];

/** What a {@link HistogramProducer} gives. */
export interface ProducedHistograms {
  /** Name of the instrumentation scope. */
  readonly scope: string;
  readonly histograms: readonly ReadableHistogram[];
  /** Since when they count, in Unix milliseconds. */
  readonly startMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Gives histograms to a reader as they are: the SDK has no instrument that observes one that is counted elsewhere. */
export class HistogramProducer implements MetricProducer {
  readonly #parts: ProducedHistograms;

  constructor(parts: ProducedHistograms) {
    this.#parts = parts;
  }

  async collect(): Promise<CollectionResult> {
    const { scope, histograms, startMs, now } = this.#parts;
    const times = { startTime: toHrTime(startMs), endTime: toHrTime(now()) };
    const metrics = histograms.map((histogram) => toMetricData(histogram, times));
    const scopeMetrics = [
      { scope: { name: scope }, metrics: metrics.filter(({ dataPoints }) => dataPoints.length > 0) },
    ];
    return { resourceMetrics: { resource: NO_RESOURCE, scopeMetrics }, errors: [] };
  }
}

function toHrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}

function toMetricData(
  histogram: ReadableHistogram,
  times: { readonly startTime: HrTime; readonly endTime: HrTime },
): HistogramMetricData {
  const { name, description, bounds, unit = "" } = histogram.spec;
  const dataPoints = [...histogram.series()].map(({ labels, counts, sum, count }) => ({
    ...times,
    attributes: labels,
    value: { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count },
  }));
  return {
    descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints,
  };
}
