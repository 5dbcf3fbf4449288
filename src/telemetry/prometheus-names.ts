import { DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";

/** Own metrics have their unit in their name already. */
const OWN_PREFIX = "infobip_rpc_";

/** What Prometheus appends for a unit; no other is used. */
const UNIT_SUFFIXES: Readonly<Record<string, string>> = { s: "_seconds", By: "_bytes" };

/**
 * Name of a metric on the page, as OpenTelemetry's rules for Prometheus have
 * it: dots become underscores, and the unit and `_total` of a counter are
 * appended. Own metrics are called the same everywhere.
 * @see https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
 */
export function prometheusName(metric: MetricData): string {
  const { name, unit } = metric.descriptor;
  if (name.startsWith(OWN_PREFIX)) return name;
  const isCounter = metric.dataPointType === DataPointType.SUM && metric.isMonotonic;
  const isRatio = unit === "1" && metric.dataPointType === DataPointType.GAUGE;
  const suffix = isRatio ? "_ratio" : (UNIT_SUFFIXES[unit] ?? "");
  return `${name.replaceAll(".", "_")}${suffix}${isCounter ? "_total" : ""}`;
}
