import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { pageOfEverything } from "./fixtures/every-metric.ts";
import { scrape } from "./fixtures/metrics-page.ts";
import { startServiceRig } from "./fixtures/service-rig.ts";
import { validRequest } from "./server-rig.ts";

/** Names of OpenTelemetry's conventions that metrics may begin with, beside our own. */
const PREFIXES = /^(infobip_rpc|rpc_server|http_client|process|nodejs|v8js)_/;

interface Documented {
  readonly type: string;
  readonly labels: readonly string[];
}

/** Rows of docs/metrics.md that tell of a metric. */
async function documented(): Promise<Map<string, Documented>> {
  const text = await readFile(new URL("../docs/metrics.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \| (.*?) \|/gm)];
  const names = rows.map(([, name]) => name);
  expect(new Set(names).size, "a metric has two rows").toBe(names.length);
  return new Map(
    rows.map(([, name = "", type = "", labels = ""]) => [
      name,
      { type, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = ""]) => label).sort() },
    ]),
  );
}

test("docs/metrics.md has every metric with its type and labels, and no other", async () => {
  const { metrics } = await pageOfEverything();
  const page = new Map([...metrics].map(([name, { type, labels }]) => [name, { type, labels }]));
  const docs = await documented();
  expect([...page.keys()].filter((name) => !docs.has(name))).toEqual([]);
  expect([...docs.keys()].filter((name) => !page.has(name))).toEqual([]);
  for (const [name, metric] of page) expect(docs.get(name), name).toEqual(metric);
});

test("every metric says in a sentence what it is, and is named by the conventions", async () => {
  const { metrics } = await pageOfEverything();
  for (const [name, { help, type }] of metrics) {
    expect(help, name).toMatch(/^\S.{20,}\.$/);
    expect(name).toMatch(PREFIXES);
    expect(name.endsWith("_total"), name).toBe(type === "counter");
  }
});

test("a running service tells nothing that is not documented", async () => {
  await using rig = await startServiceRig();
  await rig.messages.sendMessages(validRequest("Shop"));
  await rig.events.createSubscription({ subscription: { name: "subscriptions/billing" } });
  const { metrics } = await scrape(rig.addresses.admin);
  const docs = await documented();
  expect(metrics.size).toBeGreaterThan(45);
  for (const [name, { type, labels }] of metrics) {
    expect(docs.get(name)?.type, name).toBe(type);
    expect(docs.get(name)?.labels, name).toEqual(expect.arrayContaining([...labels]));
  }
});
