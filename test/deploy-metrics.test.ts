import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { DEPLOY } from "./fixtures/deploy-files.ts";
import { pageOfEverything } from "./fixtures/every-metric.ts";
import type { MetricsPage } from "./fixtures/metrics-page.ts";
import { readPromql, type Selector } from "./fixtures/promql.ts";

/** What Prometheus itself adds to each metric. */
const TARGET_LABELS = ["job", "instance"];
/** What Prometheus itself knows of each target. */
const TARGET_METRIC = "up";
/** Functions that are for counters, and for gauges. */
const OF_COUNTERS = ["rate", "increase"];
const OF_GAUGES = ["delta", "resets"];

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat: string;
  }[];
  readonly fieldConfig?: { readonly defaults: { readonly unit: string } };
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: unknown }[];
  };
}

let page: MetricsPage;
let alerts: readonly Alert[];
let dashboard: Dashboard;
/** All text of the documentation that tells reasons. */
let words: string;
beforeAll(async () => {
  page = await pageOfEverything();
  const text = (path: string) => readFile(join(DEPLOY, path), "utf8");
  const { groups } = parse(await text("prometheus/alerts.yaml"));
  alerts = groups.flatMap(({ rules }: { rules: Alert[] }) => rules);
  dashboard = JSON.parse(await text("grafana/infobip-rpc.json"));
  const docs = ["errors.md", "webhooks.md", "metrics.md"];
  words = (await Promise.all(docs.map((name) => text(`../docs/${name}`)))).join("\n");
});

/** The metric that a sample is of: histograms have three. */
function metricOf(sample: string): { type: string; labels: readonly string[] } | undefined {
  if (sample === TARGET_METRIC) return { type: "gauge", labels: [] };
  const own = page.metrics.get(sample);
  if (own !== undefined) return own.type === "histogram" ? undefined : own;
  const [, base = "", part] = /^(.*)_(bucket|sum|count)$/.exec(sample) ?? [];
  const histogram = page.metrics.get(base);
  if (histogram?.type !== "histogram") return undefined;
  const labels = part === "bucket" ? [...histogram.labels, "le"] : histogram.labels;
  return { type: "histogram", labels };
}

/** What is wrong with an expression; empty when nothing is. */
function problemsOf(expr: string): string[] {
  const { selectors, groupings } = readPromql(expr);
  const known = new Set(TARGET_LABELS);
  for (const { name } of selectors) {
    for (const label of metricOf(name)?.labels ?? []) known.add(label);
  }
  const unknown = groupings.filter((label) => !known.has(label));
  return [...selectors.flatMap(problemsOfSelector), ...unknown.map((label) => `grouped by ${label}`)];
}

function problemsOfSelector({ name, matchers, over }: Selector): string[] {
  const metric = metricOf(name);
  if (metric === undefined) return [`no such metric: ${name}`];
  const labels = [...metric.labels, ...TARGET_LABELS];
  const allowed = metric.type === "gauge" ? ["", ...OF_GAUGES] : OF_COUNTERS;
  return [
    ...matchers
      .filter(({ label }) => !labels.includes(label))
      .map(({ label }) => `no such label: ${name} ${label}`),
    ...matchers.flatMap(({ label, values }) => values.flatMap((value) => problemOfValue(label, value))),
    ...(allowed.includes(over) ? [] : [`${name} is a ${metric.type}, used by "${over}"`]),
  ];
}

/** Statuses are those of gRPC; reasons must be words of the documentation. */
function problemOfValue(label: string, value: string): string[] {
  if (!["reason", "error_type", "outcome", "rpc_status_code"].includes(label) || value === "") return [];
  const isKnown = label === "rpc_status_code" ? value in status : new RegExp(`\\b${value}\\b`).test(words);
  return isKnown ? [] : [`nobody says ${label} ${value}`];
}

/** An expression of the dashboard with what Grafana puts in for its variables. */
function filledIn(expr: string): string {
  return expr.replaceAll("$__rate_interval", "5m");
}

test("the check sees names and labels that are not there, and functions that do not fit", () => {
  expect(problemsOf("infobip_rpc_eventlog_writable == 0")).toEqual([]);
  expect(problemsOf("infobip_rpc_eventlog_writeable == 0")).toEqual([
    "no such metric: infobip_rpc_eventlog_writeable",
  ]);
  expect(problemsOf('infobip_rpc_streams{method="x"}')).toEqual([
    "no such label: infobip_rpc_streams method",
  ]);
  expect(problemsOf("sum by (route) (infobip_rpc_streams)")).toEqual(["grouped by route"]);
  expect(problemsOf("rpc_server_call_duration_seconds > 1")).toHaveLength(1);
  expect(problemsOf("infobip_rpc_upstream_pauses_total > 1")).toHaveLength(1);
  expect(problemsOf("rate(infobip_rpc_streams[5m])")).toHaveLength(1);
  expect(
    problemsOf('rate(infobip_rpc_upstream_requests_total{reason=~"UPSTREAM_FORBIDEN"}[5m])'),
  ).toHaveLength(1);
  expect(() => problemsOf("sum(rate(infobip_rpc_streams[5m])")).toThrow("no PromQL");
});

describe("alerts", () => {
  test("name metrics, labels and reasons that there are", () => {
    expect(alerts.length).toBeGreaterThan(25);
    for (const { alert, expr } of alerts) expect(problemsOf(expr), alert).toEqual([]);
  });

  test("have a name of their own, a severity, a time, a summary and their place in the runbook", () => {
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
    for (const { alert, labels, annotations, for: time, ...others } of alerts) {
      expect(alert).toMatch(/^InfobipRpc[A-Z][A-Za-z]+$/);
      expect(time, alert).toMatch(/^\d+[smh]$/);
      expect(labels, alert).toEqual({ severity: expect.stringMatching(/^(critical|warning)$/) });
      expect(Object.keys(annotations).sort(), alert).toEqual(["runbook_url", "summary"]);
      expect(annotations.summary, alert).toMatch(/^[A-Z].{15,100}\.$/);
      expect(annotations.runbook_url?.endsWith(`docs/runbook.md#${alert.toLowerCase()}`), alert).toBe(true);
      expect(Object.keys(others), alert).toEqual(["expr"]);
    }
  });
});

describe("the dashboard", () => {
  const charts = () => dashboard.panels.filter(({ type }) => type !== "row");

  test("names metrics and labels that there are, and shows chosen instances alone", () => {
    for (const { title, targets = [] } of charts()) {
      for (const { expr, legendFormat } of targets) {
        expect(problemsOf(filledIn(expr)), `${title}: ${expr}`).toEqual([]);
        const { selectors, groupings } = readPromql(filledIn(expr));
        for (const { matchers } of selectors) {
          const chosen = matchers.map(({ label, values }) => `${label}:${values}`);
          expect(chosen, expr).toEqual(expect.arrayContaining(["job:$job", "instance:$instance"]));
        }
        for (const [, label = ""] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
          expect(groupings, `${title}: ${legendFormat}`).toContain(label);
        }
      }
    }
  });

  test("has variables for all that its expressions leave open", () => {
    const names = dashboard.templating.list.map(({ name }) => name);
    const used = [...JSON.stringify(dashboard).matchAll(/\$\{?([a-z]\w*)/g)].map(([, name]) => name);
    expect(new Set(used)).toEqual(new Set(names));
    const queries = dashboard.templating.list.filter(({ type }) => type === "query");
    for (const { query } of queries) {
      const [, metric = ""] = /^label_values\((\w+)/.exec((query as { query: string }).query) ?? [];
      expect(metricOf(metric), metric).toBeDefined();
    }
  });

  test("is laid out without gaps in its panels: own ids and titles, no overlap, within 24 columns", () => {
    const { panels, uid, title, schemaVersion } = dashboard;
    expect([uid, title, Number.isInteger(schemaVersion)]).toEqual(["infobip-rpc", "infobip-rpc", true]);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map((panel) => panel.title)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { gridPos, title: name } of panels) {
      expect(gridPos.x + gridPos.w, name).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`), name).toBe(false);
          taken.add(`${x},${y}`);
        }
      }
    }
  });

  test("says of every chart what it shows, of which source and in which unit", () => {
    expect(charts().length).toBeGreaterThan(30);
    const units = ["short", "s", "bytes", "reqps", "percentunit"];
    for (const { title, type, description, datasource, fieldConfig, targets = [] } of charts()) {
      expect(["timeseries", "stat"], title).toContain(type);
      expect(description, title).toMatch(/\w.*\.$/);
      expect(datasource, title).toEqual({ type: "prometheus", uid: "$datasource" });
      expect(units, title).toContain(fieldConfig?.defaults.unit);
      expect(targets.length, title).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
    }
  });
});
