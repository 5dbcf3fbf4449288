import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ServiceError } from "../src/errors.ts";
import type { LogStats } from "../src/eventlog/event-log.ts";
import type { SubscriptionProgress, SubscriptionRecord } from "../src/eventlog/subscription-engine.ts";
import { AdminListener } from "../src/server/admin-listener.ts";
import { createMetrics, type Metrics } from "../src/telemetry/metrics.ts";
import { bodyOf, deliveryReport, startWebhookTarget, type WebhookTarget } from "./fixtures/webhook-target.ts";

const NOW = 1_767_225_600_000;
let metrics: Metrics;
let admin: AdminListener;
let target: WebhookTarget;
beforeEach(async () => {
  metrics = createMetrics({ now: () => NOW });
  target = await startWebhookTarget({ observe: metrics.webhookAnswered });
  metrics.observeLog(target.log);
  admin = await AdminListener.start({
    listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
    checks: () => ({}),
    metrics: metrics.page,
  });
});
afterEach(async () => {
  await admin[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  await metrics[Symbol.asyncDispose]();
});

async function get(method = "GET"): Promise<Response> {
  const port = admin.address.kind === "tcp" ? admin.address.port : 0;
  return fetch(`http://127.0.0.1:${port}/metrics`, { method, headers: { connection: "close" } });
}

/** Values by name and labels, as they stand on the page. */
async function scrape(): Promise<Map<string, number>> {
  const lines = (await (await get()).text())
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

const subscription = (id: string) => ({ id }) as SubscriptionRecord;
const progress: SubscriptionProgress = {
  settledTo: 10,
  head: 17,
  lagEvents: 7,
  oldestTimeMs: NOW - 2_500,
  inFlight: 3,
  waiting: 2,
  deadLetters: 4,
  consumers: 1,
  blocked: undefined,
};

describe("the page", () => {
  test("is text that Prometheus reads, not to be cached", async () => {
    const response = await get();
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.text()).toContain("# TYPE infobip_rpc_eventlog_events gauge\n");
  });

  test("takes GET and HEAD only, and is not there without metrics", async () => {
    expect((await get("POST")).status).toBe(405);
    expect((await get("HEAD")).status).toBe(200);
    await using plain = await AdminListener.start({
      listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
      checks: () => ({}),
    });
    const port = plain.address.kind === "tcp" ? plain.address.port : 0;
    expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(404);
  });

  test("says that it cannot be had when the metrics fail, and nothing of why", async () => {
    await using broken = await AdminListener.start({
      listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
      checks: () => ({}),
      metrics: () => Promise.reject(new Error("private")),
    });
    const port = broken.address.kind === "tcp" ? broken.address.port : 0;
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: "close" } });
    expect([response.status, await response.json()]).toEqual([503, { error: "METRICS_UNAVAILABLE" }]);
  });
});

describe("webhooks", () => {
  test("are counted by route, status and reason, and their items by what became of them", async () => {
    const requests = (route: string, status: string, reason: string) =>
      `infobip_rpc_webhook_requests_total{route="${route}",status="${status}",reason="${reason}"}`;
    const items = (route: string, result: string) =>
      `infobip_rpc_webhook_items_total{route="${route}",result="${result}"}`;
    const before = await scrape();
    expect(before.get(requests("delivery", "200", "OK"))).toBe(0);
    expect(before.get(items("click", "stored"))).toBe(0);

    const report = bodyOf(deliveryReport(), deliveryReport({ messageId: "message-2" }), 17);
    await target.post("delivery", report);
    await target.post("delivery", report);
    await target.post("seen", "no report");
    await target.send("POST", "/v1/inbound/wrong-secret", report);
    await target.send("POST", "/nothing", report);
    const after = await scrape();
    expect(after.get(requests("delivery", "200", "OK"))).toBe(2);
    expect(after.get(requests("seen", "400", "BODY_NOT_ACCEPTED"))).toBe(1);
    expect(after.get(requests("inbound", "404", "SECRET_WRONG"))).toBe(1);
    expect(after.get(requests("unknown", "404", "NOT_FOUND"))).toBe(1);
    expect(after.get(items("delivery", "stored"))).toBe(3);
    expect(after.get(items("delivery", "repeated"))).toBe(3);
    expect(after.get(items("delivery", "unparsed"))).toBe(2);
    expect(after.get(items("seen", "stored"))).toBe(0);
    expect(after.get("infobip_rpc_eventlog_events")).toBe(3);
    expect(after.get("infobip_rpc_eventlog_head_sequence")).toBe(3);
  });
});

describe("the log", () => {
  test("is read at each scrape", async () => {
    let earliest = 5;
    const stats: LogStats = { events: 12, sizeBytes: 4_096, retention: { ageMs: 1, bytes: 1 } };
    const log = {
      bounds: () => ({ earliest, head: 17 }),
      health: () => target.log.currentHealth,
      stats: async () => stats,
    };
    metrics.observeLog(log);
    const read = async () => {
      const page = await scrape();
      const names = ["events", "size_bytes", "head_sequence", "writable", "retention_removed_total"];
      return names.map((name) => page.get(`infobip_rpc_eventlog_${name}`));
    };
    expect(await read()).toEqual([12, 4_096, 17, 1, 0]);
    earliest = 9;
    target.log.currentHealth = { ok: false, reason: "SQLITE_FULL" };
    expect(await read()).toEqual([12, 4_096, 17, 0, 4]);
    log.stats = () => Promise.reject(new Error("cannot be read"));
    expect(await read()).toEqual([undefined, undefined, 17, 0, 4]);
  });
});

describe("subscriptions", () => {
  test("are told each by itself; one that cannot be read is left out", async () => {
    metrics.observeSubscriptions({
      list: () => ["billing", "gone", "idle"].map(subscription),
      progress: async (id) => {
        if (id === "gone") throw new ServiceError(5, "SUBSCRIPTION_UNKNOWN", "there is none");
        return id === "billing" ? progress : { ...progress, lagEvents: 0, oldestTimeMs: undefined };
      },
    });
    const page = await scrape();
    const of = (id: string) =>
      ["lag_events", "lag_seconds", "dead_letters", "in_flight"].map((name) =>
        page.get(`infobip_rpc_subscription_${name}{subscription="${id}"}`),
      );
    expect(of("billing")).toEqual([7, 2.5, 4, 3]);
    expect(of("idle")).toEqual([0, 0, 4, 3]);
    expect(of("gone")).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("that are deleted leave the page", async () => {
    let ids = ["billing"];
    metrics.observeSubscriptions({ list: () => ids.map(subscription), progress: async () => progress });
    const name = 'infobip_rpc_subscription_in_flight{subscription="billing"}';
    expect((await scrape()).get(name)).toBe(3);
    ids = [];
    expect((await scrape()).has(name)).toBe(false);
  });
});
