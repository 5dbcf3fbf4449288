import { expect, test } from "vitest";
import { telemetryConfig } from "../src/config/telemetry-config.ts";

const warned = (environment: Record<string, string>) =>
  telemetryConfig(environment).warnings.map(({ setting }) => setting);

test("metrics go to the endpoint of all signals with their path, or to their own as it is", () => {
  const endpoint = (environment: Record<string, string>) =>
    telemetryConfig(environment).metrics?.endpoint.reveal();
  expect(endpoint({})).toBeUndefined();
  expect(endpoint({ OTEL_EXPORTER_OTLP_ENDPOINT: " " })).toBeUndefined();
  expect(endpoint({ OTEL_EXPORTER_OTLP_ENDPOINT: "https://c.example:4318/a/" })).toBe(
    "https://c.example:4318/a/v1/metrics",
  );
  const own = { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://m.example/in" };
  expect(endpoint({ ...own, OTEL_EXPORTER_OTLP_ENDPOINT: "http://c.example" })).toBe("http://m.example/in");
  expect(endpoint({ OTEL_METRICS_EXPORTER: "otlp" })).toBe("http://localhost:4318/v1/metrics");
  expect(endpoint({ ...own, OTEL_METRICS_EXPORTER: "none" })).toBeUndefined();
  expect(endpoint({ ...own, OTEL_METRICS_EXPORTER: "prometheus" })).toBeUndefined();
  expect(endpoint({ ...own, OTEL_SDK_DISABLED: "TRUE" })).toBeUndefined();
});

test("interval, time, compression and headers have their defaults and the variables of the signal first", () => {
  const base = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c.example" };
  expect(telemetryConfig(base).metrics).toMatchObject({
    intervalMs: 60_000,
    timeoutMs: 10_000,
    compression: "none",
    headers: {},
  });
  const { metrics, warnings } = telemetryConfig({
    ...base,
    OTEL_METRIC_EXPORT_INTERVAL: "5000",
    OTEL_EXPORTER_OTLP_TIMEOUT: "1000",
    OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: "2000",
    OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: "gzip",
    OTEL_EXPORTER_OTLP_HEADERS: "a=1%2C2,b=x=y",
  });
  expect(metrics).toMatchObject({ intervalMs: 5_000, timeoutMs: 2_000, compression: "gzip" });
  const headers = Object.entries(metrics?.headers ?? {}).map(([name, value]) => [name, value.reveal()]);
  expect(headers).toEqual([
    ["a", "1,2"],
    ["b", "x=y"],
  ]);
  expect(warnings).toEqual([]);
});

test("what is not supported is a warning that shows no value, and never an error", () => {
  const base = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c.example" };
  const protocol = { ...base, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
  expect(telemetryConfig(protocol).metrics).toBeUndefined();
  expect(warned(protocol)).toEqual(["OTEL_EXPORTER_OTLP_PROTOCOL"]);
  const interval = { ...base, OTEL_METRIC_EXPORT_INTERVAL: "soon" };
  expect(telemetryConfig(interval).metrics?.intervalMs).toBe(60_000);
  expect(warned(interval)).toEqual(["OTEL_METRIC_EXPORT_INTERVAL"]);
  const bad = { OTEL_EXPORTER_OTLP_ENDPOINT: "secret-collector:4318" };
  expect(telemetryConfig(bad).metrics).toBeUndefined();
  expect(
    telemetryConfig(bad)
      .warnings.map(({ message }) => message)
      .join(),
  ).not.toContain("secret");
  expect(warned({ ...base, OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "delta" })).toEqual([
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
  ]);
  expect(warned({ OTEL_METRICS_EXPORTER: "statsd" })).toEqual(["OTEL_METRICS_EXPORTER"]);
  expect(warned({ OTEL_LOGS_EXPORTER: "otlp" })).toEqual(["OTEL_LOGS_EXPORTER"]);
  expect(warned({ OTEL_RESOURCE_ATTRIBUTES: "a=1,nothing" })).toEqual(["OTEL_RESOURCE_ATTRIBUTES"]);
});

test("the service's name comes from its own variable, else from the attributes", () => {
  const attributes = { OTEL_RESOURCE_ATTRIBUTES: "service.name=a,team=x%20y" };
  expect(telemetryConfig(attributes).resource).toEqual({
    serviceName: "a",
    attributes: { team: "x y" },
  });
  expect(telemetryConfig({ ...attributes, OTEL_SERVICE_NAME: "b" }).resource.serviceName).toBe("b");
  expect(telemetryConfig({}).resource).toEqual({ serviceName: "infobip-rpc", attributes: {} });
});
