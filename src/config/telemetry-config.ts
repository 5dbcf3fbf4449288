import { type OtlpTarget, otlpTarget } from "./otlp-target.ts";
import { type Environment, TelemetryVariables, type TelemetryWarning } from "./telemetry-variables.ts";
import { type TracesConfig, tracesConfig } from "./traces-config.ts";

/** How metrics are exported, beside the page that Prometheus reads. */
export interface MetricsExportConfig extends OtlpTarget {
  /** Time between two exports, in milliseconds. */
  readonly intervalMs: number;
}

/** Telemetry, from OpenTelemetry's own variables. */
export interface TelemetryConfig {
  /** What all signals say about this process. */
  readonly resource: {
    readonly serviceName: string;
    /** Further attributes as they were given, without `service.name`. */
    readonly attributes: Readonly<Record<string, string>>;
  };
  /** Undefined: metrics are not exported. */
  readonly metrics: MetricsExportConfig | undefined;
  /** Undefined: spans are neither made nor exported. */
  readonly traces: TracesConfig | undefined;
  readonly warnings: readonly TelemetryWarning[];
}

const DEFAULT_SERVICE_NAME = "infobip-rpc";
const DEFAULT_INTERVAL_MS = 60_000;
const MIN_INTERVAL_MS = 100;
const MAX_INTERVAL_MS = 3_600_000;
/** Most resource attributes that are taken, and longest value, in characters. */
const MAX_ATTRIBUTES = 64;
const MAX_ATTRIBUTE_LENGTH = 1_024;

/**
 * Reads OpenTelemetry's standard variables. Nothing is exported unless an
 * endpoint is given, or `OTEL_METRICS_EXPORTER` or `OTEL_TRACES_EXPORTER` is
 * `otlp`; `OTEL_SDK_DISABLED=true` switches all exports off. What is not
 * supported is a warning and never an error: these variables are often set for
 * a whole cluster.
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function telemetryConfig(environment: Environment): TelemetryConfig {
  const variables = new TelemetryVariables(environment);
  const resource = resourceOf(variables);
  const isOff = variables.isTrue("OTEL_SDK_DISABLED");
  const metrics = isOff ? undefined : metricsConfig(variables);
  const traces = isOff ? undefined : tracesConfig(variables);
  if (!isOff) warnOfLogs(variables);
  return { resource, metrics, traces, warnings: variables.warnings };
}

function resourceOf(variables: TelemetryVariables): TelemetryConfig["resource"] {
  const { "service.name": named, ...others } = variables.pairs("OTEL_RESOURCE_ATTRIBUTES");
  const serviceName = variables.text("OTEL_SERVICE_NAME") ?? named ?? DEFAULT_SERVICE_NAME;
  const entries = Object.entries(others).filter(([, value]) => value.length <= MAX_ATTRIBUTE_LENGTH);
  if (entries.length < Object.keys(others).length || entries.length > MAX_ATTRIBUTES) {
    variables.warn(
      "OTEL_RESOURCE_ATTRIBUTES",
      `has more than ${MAX_ATTRIBUTES} attributes or values over ${MAX_ATTRIBUTE_LENGTH} characters; what is beyond is left out`,
    );
  }
  return { serviceName, attributes: Object.fromEntries(entries.slice(0, MAX_ATTRIBUTES)) };
}

function metricsConfig(variables: TelemetryVariables): MetricsExportConfig | undefined {
  const target = otlpTarget(variables, "METRICS");
  if (target === undefined) return undefined;
  const bounds = [MIN_INTERVAL_MS, MAX_INTERVAL_MS] as const;
  const intervalMs = variables.integer(["OTEL_METRIC_EXPORT_INTERVAL"], bounds, DEFAULT_INTERVAL_MS);
  const temporality = variables.find("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE");
  if (temporality && temporality.text.toLowerCase() !== "cumulative") {
    variables.warn(temporality.name, "asks for more than cumulative, which is all that this service exports");
  }
  return { ...target, intervalMs };
}

function warnOfLogs(variables: TelemetryVariables): void {
  const logs = variables.text("OTEL_LOGS_EXPORTER")?.toLowerCase() ?? "none";
  if (logs !== "none") {
    variables.warn(
      "OTEL_LOGS_EXPORTER",
      "has no effect: this service writes its log to stderr, as JSON lines",
    );
  }
}
