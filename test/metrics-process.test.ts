import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { createProcessSource } from "../src/process-source.ts";
import { scrape } from "./fixtures/metrics-page.ts";
import { selfSignedCertificate } from "./fixtures/self-signed-certificate.ts";
import { startServiceRig } from "./fixtures/service-rig.ts";

const PATIENCE = { timeout: 15_000, interval: 50 };

test("a service tells of its process by the conventions, with units in the names", async () => {
  await using rig = await startServiceRig({ publicUrl: false });
  const { admin } = rig.addresses;
  await expect
    .poll(async () => (await scrape(admin)).metrics.has("nodejs_eventloop_delay_p99_seconds"), PATIENCE)
    .toBe(true);
  const page = await scrape(admin);
  expect(page.value("process_memory_usage_bytes")).toBeGreaterThan(10e6);
  expect(page.value("process_uptime_seconds")).toBeGreaterThan(0);
  for (const mode of ["user", "system"]) {
    expect(page.value("process_cpu_time_seconds_total", { cpu_mode: mode })).toBeGreaterThan(0);
  }
  const utilization = page.value("nodejs_eventloop_utilization_ratio");
  expect(utilization).toBeGreaterThanOrEqual(0);
  expect(utilization).toBeLessThanOrEqual(1);
  expect(page.value("v8js_memory_heap_used_bytes", { v8js_heap_space_name: "old_space" })).toBeGreaterThan(
    1e6,
  );
  const kinds = page.samples("v8js_gc_duration_seconds_count").map((labels) => labels.v8js_gc_type);
  expect(kinds).toEqual(["minor", "major", "incremental", "weakcb"]);
  expect(page.samples("infobip_rpc_build_info")).toEqual([
    { version: expect.stringMatching(/^\d+\.\d+\.\d+/), node: process.versions.node },
  ]);
});

test("connections count by listener", async () => {
  await using rig = await startServiceRig({ publicUrl: false });
  const { admin } = rig.addresses;
  const connections = (page: Awaited<ReturnType<typeof scrape>>, listener: string) =>
    page.value("infobip_rpc_connections", { listener });
  const before = await scrape(admin);
  expect(["grpc", "http", "webhook"].map((each) => connections(before, each))).toEqual([0, 0, 0]);
  await rig.events.getEventLog({});
  const after = await scrape(admin);
  expect(["grpc", "http", "webhook"].map((each) => connections(after, each))).toEqual([1, 0, 0]);
});

test("certificates tell until when they hold and how often they were taken anew, by listener", async () => {
  const folder = await mkdtemp(join(tmpdir(), "infobip-rpc-tls-"));
  const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const write = async () => {
    const { cert, key } = selfSignedCertificate();
    await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)]);
  };
  await write();
  await using rig = await startServiceRig({
    publicUrl: false,
    flags: { "--tls-cert-file": certFile, "--tls-key-file": keyFile },
  });
  await using _ = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
  const read = async () => {
    const page = await scrape(rig.addresses.admin);
    const reloads = (result: string) =>
      page.value("infobip_rpc_tls_reloads_total", { listener: "grpc", result });
    return { page, counts: [reloads("ok"), reloads("failed")] };
  };
  const { page, counts } = await read();
  expect(counts).toEqual([0, 0]);
  expect(page.samples("infobip_rpc_tls_certificate_expiry_seconds")).toEqual([
    { listener: "grpc" },
    { listener: "http" },
  ]);
  const left = page.value("infobip_rpc_tls_certificate_expiry_seconds", { listener: "grpc" });
  expect(left).toBeCloseTo((Date.UTC(2049, 11, 31, 23, 59, 59) - Date.now()) / 1_000, -2);
  await write();
  await rig.service.reloadFiles();
  expect((await read()).counts).toEqual([1, 0]);
  await writeFile(certFile, "no certificate");
  await rig.service.reloadFiles();
  expect((await read()).counts).toEqual([1, 1]);
});

test("without TLS and without a fleet nothing is told of them", async () => {
  await using rig = await startServiceRig({ publicUrl: false });
  const page = await scrape(rig.addresses.admin);
  for (const name of [
    "tls_certificate_expiry_seconds",
    "tls_reloads_total",
    "nats_connected",
    "fleet_units",
  ]) {
    expect(page.samples(`infobip_rpc_${name}`), name).toEqual([]);
  }
});

test("two readers each have the delays since their own last reading, and a collection counts once", async () => {
  const source = createProcessSource();
  using _ = source;
  const [first, second] = [source.watch(), source.watch()];
  const told = [0, 0];
  for (const index of [0, 1]) {
    source.watchCollections(() => {
      told[index] = (told[index] ?? 0) + 1;
    });
  }
  // Twice, so that the second has had its turn as well.
  for (const _turn of [1, 2]) await expect.poll(() => first().delay, PATIENCE).toBeDefined();
  // The first has just reset what it watches, which must not take anything from the second.
  expect(second().delay?.max).toBeGreaterThanOrEqual(0);
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  await expect.poll(() => told[0], PATIENCE).toBeGreaterThan(0);
  expect(told[1]).toBe(0);
});
