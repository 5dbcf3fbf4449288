import { Secret } from "../secret.ts";
import type { TelemetryVariable, TelemetryVariables } from "./telemetry-variables.ts";

/** Where a signal is exported to: OTLP over HTTP, protobuf bodies. */
export interface OtlpTarget {
  /** Complete, with the path of the signal. May hold credentials: not for logs. */
  readonly endpoint: Secret;
  /** Request headers by name. */
  readonly headers: Readonly<Record<string, Secret>>;
  /** Longest that one export may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly compression: "none" | "gzip";
}

/** A signal as its variables name it. */
export type TelemetrySignal = "METRICS" | "TRACES";

/** Endpoint without a signal-specific one, by OpenTelemetry's specification. */
const DEFAULT_ENDPOINT = "http://localhost:4318";
const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 600_000;
const PROTOCOL = "http/protobuf";

/**
 * Where a signal goes. Undefined: it is not exported, because nobody asked for
 * it or because what was asked for cannot be done, which is a warning.
 */
export function otlpTarget(variables: TelemetryVariables, signal: TelemetrySignal): OtlpTarget | undefined {
  const own = (name: string): TelemetryVariable[] => [
    `OTEL_EXPORTER_OTLP_${signal}_${name}`,
    `OTEL_EXPORTER_OTLP_${name}`,
  ];
  if (!isAskedFor(variables, signal, own("ENDPOINT")) || !isProtocolKnown(variables, own("PROTOCOL"))) {
    return undefined;
  }
  const endpoint = endpointOf(variables, signal);
  if (endpoint === undefined) return undefined;
  const headers = variables.pairs(...own("HEADERS"));
  return {
    endpoint: new Secret(endpoint),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, new Secret(value)])),
    timeoutMs: variables.integer(own("TIMEOUT"), [1, MAX_TIMEOUT_MS], DEFAULT_TIMEOUT_MS),
    compression: compressionOf(variables, own("COMPRESSION")),
  };
}

/** Exporters that are known, by signal; `prometheus` is the page of the admin listener, which is always there. */
const KNOWN_EXPORTERS: Readonly<Record<TelemetrySignal, readonly string[]>> = {
  METRICS: ["otlp", "prometheus", "none"],
  TRACES: ["otlp", "none"],
};

/** An endpoint asks for the export too: without one, no collector is there to be expected. */
function isAskedFor(
  variables: TelemetryVariables,
  signal: TelemetrySignal,
  endpoints: readonly TelemetryVariable[],
): boolean {
  const name: TelemetryVariable = `OTEL_${signal}_EXPORTER`;
  const exporters = variables
    .text(name)
    ?.split(",")
    .map((exporter) => exporter.trim().toLowerCase());
  if (exporters === undefined) return variables.find(...endpoints) !== undefined;
  const known = KNOWN_EXPORTERS[signal];
  if (exporters.some((exporter) => !known.includes(exporter))) {
    variables.warn(name, `names an exporter that this service does not have; it has ${known.join(", ")}`);
  }
  return exporters.includes("otlp");
}

function isProtocolKnown(variables: TelemetryVariables, names: readonly TelemetryVariable[]): boolean {
  const protocol = variables.find(...names);
  if (protocol === undefined || protocol.text.toLowerCase() === PROTOCOL) return true;
  variables.warn(
    protocol.name,
    `asks for another protocol than ${PROTOCOL}, the only one that this service exports by; nothing is exported so: set it to ${PROTOCOL} and the endpoint to the collector's HTTP port, which mostly is 4318`,
  );
  return false;
}

/** The endpoint of one signal is taken as it is; that of all signals gets the signal's path. */
function endpointOf(variables: TelemetryVariables, signal: TelemetrySignal): string | undefined {
  const own = variables.find(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`);
  const given = own ?? variables.find("OTEL_EXPORTER_OTLP_ENDPOINT");
  const url = URL.parse(given?.text ?? DEFAULT_ENDPOINT);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    const name = given?.name ?? "OTEL_EXPORTER_OTLP_ENDPOINT";
    variables.warn(name, "is no http:// or https:// URL; nothing is exported to it");
    return undefined;
  }
  if (own === undefined) url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/${signal.toLowerCase()}`;
  return url.href;
}

function compressionOf(
  variables: TelemetryVariables,
  names: readonly TelemetryVariable[],
): OtlpTarget["compression"] {
  const found = variables.find(...names);
  const text = found?.text.toLowerCase() ?? "none";
  if (text === "gzip" || text === "none") return text;
  if (found) variables.warn(found.name, "is neither gzip nor none; nothing is compressed");
  return "none";
}
