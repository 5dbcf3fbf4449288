import { afterEach, beforeEach, expect, test } from "vitest";
import { createLogger } from "../src/log.ts";
import { scrape } from "./fixtures/metrics-page.ts";
import { type OtlpMetricsCollector, startMetricsCollector } from "./fixtures/otlp-metrics-collector.ts";
import { startServiceRig } from "./fixtures/service-rig.ts";
import { validRequest } from "./server-rig.ts";

const CALLS = "rpc.server.call.duration";
const SEND = "infobip.messages.v1.MessagesService/SendMessages";
const EXPORTS = "infobip_rpc_metric_exports_total";
/** Under load a reading takes its time; between two of them the event loop must have turned. */
const PATIENCE = { timeout: 15_000, interval: 100 };
/** Shortest interval there is, in milliseconds. */
const OFTEN = { OTEL_METRIC_EXPORT_INTERVAL: "100" };

let collector: OtlpMetricsCollector;
beforeEach(async () => {
  collector = await startMetricsCollector();
});
afterEach(() => collector[Symbol.asyncDispose]());

const sent = (each: OtlpMetricsCollector["exports"][number]) =>
  each.metrics
    .get(CALLS)
    ?.points.find(({ attributes, value }) => attributes["rpc.method"] === SEND && value > 0);

test("an endpoint is enough: all metrics go there with the names, units and attributes of the conventions", async () => {
  await using rig = await startServiceRig({
    publicUrl: false,
    environment: {
      ...OFTEN,
      OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/base/`,
      OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=shop%20one",
      OTEL_SERVICE_NAME: "shop-messages",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,service.name=other",
    },
  });
  await rig.messages.sendMessages(validRequest("Shop"));
  const found = await collector.exported((each) => sent(each) !== undefined);
  expect([found.path, found.scope]).toEqual(["/base/v1/metrics", "infobip-rpc"]);
  expect(found.headers).toMatchObject({
    "content-type": "application/x-protobuf",
    "x-tenant": "shop one",
  });
  expect(found.resource).toMatchObject({
    "service.name": "shop-messages",
    "service.version": expect.stringMatching(/^\d+\.\d+\.\d+/),
    "service.instance.id": expect.stringMatching(/^[0-9a-f-]{36}$/),
    "deployment.environment.name": "test",
  });
  const calls = found.metrics.get(CALLS);
  expect(calls).toMatchObject({ unit: "s", kind: "histogram", temporality: 2 });
  const point = sent(found);
  expect(point?.attributes).toEqual({
    "rpc.system.name": "grpc",
    "rpc.method": SEND,
    "rpc.status_code": "OK",
  });
  expect(point?.value).toBe(1);
  expect(point?.bounds).toEqual([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]);
  expect(Number(point?.timeNs)).toBeGreaterThan(Number(point?.startNs));
  expect(found.metrics.get("http.client.request.duration")).toMatchObject({ unit: "s", kind: "histogram" });
  expect(found.metrics.get("process.memory.usage")).toMatchObject({ unit: "By", kind: "gauge" });
  const counter = found.metrics.get("infobip_rpc_upstream_requests_total");
  expect(counter).toMatchObject({ kind: "sum", temporality: 2, isMonotonic: true });
  const counted = counter?.points.filter(({ value }) => value !== 0);
  expect(counted?.map(({ attributes, value }) => [attributes, value])).toEqual([
    [{ outcome: "SENT", reason: "OK" }, 1],
  ]);
});

test("what is exported is what the page has", async () => {
  await using rig = await startServiceRig({
    publicUrl: false,
    environment: { ...OFTEN, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${collector.url}/own` },
  });
  // From the start on there is an export every 100 ms, also before all is open.
  const { path, metrics } = await collector.exported(
    (each) =>
      each.metrics.has("nodejs.eventloop.delay.p99") && each.metrics.has("infobip_rpc_watch_lag_events"),
  );
  const suffix = /_(seconds|bytes|ratio)$/;
  const plain = (name: string) =>
    name.startsWith("infobip_rpc_") ? name : name.replace(/_total$/, "").replace(suffix, "");
  const onPage = async () => [...(await scrape(rig.addresses.admin)).metrics.keys()].map(plain).sort();
  const exported = [...metrics.keys()].map((name) => name.replaceAll(".", "_")).sort();
  expect(path).toBe("/own");
  // Delays of the event loop are there once they have been watched for a moment, by each reader for itself.
  await expect.poll(onPage, PATIENCE).toEqual(exported);
});

test("nothing is exported unless it is asked for, and nothing when that is switched off", async () => {
  const endpoint = { ...OFTEN, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  for (const environment of [
    OFTEN,
    { ...endpoint, OTEL_SDK_DISABLED: "true", OTEL_TRACES_EXPORTER: "none" },
    { ...endpoint, OTEL_METRICS_EXPORTER: "none", OTEL_TRACES_EXPORTER: "none" },
  ]) {
    await using rig = await startServiceRig({ publicUrl: false, environment });
    expect((await scrape(rig.addresses.admin)).samples(EXPORTS)).toEqual([]);
    // The last export would be made now.
    await rig.service.drain();
    await rig.service[Symbol.asyncDispose]();
  }
  expect(collector.exports).toEqual([]);
});

test("the last state is exported when the service ends", async () => {
  await using rig = await startServiceRig({
    publicUrl: false,
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_TRACES_EXPORTER: "none",
    },
  });
  await rig.messages.sendMessages(validRequest("Shop"));
  expect(collector.exports).toEqual([]);
  await rig.service[Symbol.asyncDispose]();
  expect(collector.exports).toHaveLength(1);
  const [last] = collector.exports;
  expect(last && sent(last)?.value).toBe(1);
  expect(last?.headers["content-encoding"]).toBe("gzip");
});

test("a collector that refuses is told on the page and once in the log, and the service goes on", async () => {
  collector.answerWith(400);
  const lines: string[] = [];
  const log = createLogger({
    level: "warn",
    format: "json",
    write: (line) => void lines.push(line),
    now: Date.now,
  });
  await using rig = await startServiceRig({
    publicUrl: false,
    log,
    environment: {
      ...OFTEN,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=a-secret-token",
      OTEL_TRACES_EXPORTER: "none",
    },
  });
  const counts = async () => {
    const page = await scrape(rig.addresses.admin);
    return ["ok", "failed"].map((result) => page.value(EXPORTS, { result }));
  };
  await expect.poll(async () => (await counts())[1], PATIENCE).toBeGreaterThan(2);
  expect((await counts())[0]).toBe(0);
  await rig.messages.sendMessages(validRequest("Shop"));
  const told = lines.filter((line) => line.includes("metrics were not exported"));
  expect(told).toHaveLength(1);
  expect(lines.join("")).not.toContain("a-secret-token");
  collector.answerWith(200);
  await expect.poll(async () => (await counts())[0], PATIENCE).toBeGreaterThan(0);
});
