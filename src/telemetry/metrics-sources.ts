import type { Meter } from "@opentelemetry/api";
import { AggregationTemporality, InstrumentType } from "@opentelemetry/sdk-metrics";
import type { ReadableHistogram } from "./histogram.ts";

/** Name of the instrumentation scope. */
export const METER_NAME = "infobip-rpc";

/** What is read of the service, by any reader. */
export interface MetricsSources {
  /** Makes all instruments but the histograms. */
  readonly register: (meter: Meter) => void;
  readonly histograms: readonly ReadableHistogram[];
  /** Since when is counted, in Unix milliseconds. */
  readonly startMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * With cumulative temporality the SDK goes on telling the last value of a
 * gauge that is no longer observed, such as that of a deleted subscription;
 * with delta temporality a gauge tells what it observed just now.
 */
export function temporalityOf(type: InstrumentType): AggregationTemporality {
  return type === InstrumentType.OBSERVABLE_GAUGE
    ? AggregationTemporality.DELTA
    : AggregationTemporality.CUMULATIVE;
}
