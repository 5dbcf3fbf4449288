import { afterEach, beforeEach, expect, test } from "vitest";
import { AdminListener } from "../src/server/admin-listener.ts";
import { MAX_LISTED_SUBSCRIPTIONS, serviceStatus } from "../src/service-status.ts";
import { metricsOfEverything, NOW, PROGRESS } from "./fixtures/every-metric.ts";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";
import { validRequest } from "./server-rig.ts";

const WATCH = "infobip.events.v1.EventsService/WatchEvents";

let rig: ServiceRig;
beforeEach(async () => {
  rig = await startServiceRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const get = (path: string, init?: RequestInit) =>
  fetch(`http://${rig.addresses.admin}${path}`, { headers: { connection: "close" }, ...init });

test("the page tells what the service has open", async () => {
  await rig.messages.sendMessages(validRequest("Shop"));
  await rig.events.createSubscription({ subscription: { name: "subscriptions/billing" } });
  const call = new AbortController();
  const frames = rig.events.watchEvents({}, { signal: call.signal })[Symbol.asyncIterator]();
  await frames.next();
  const response = await get("/statusz");
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
  expect(response.headers.get("cache-control")).toBe("no-store");
  const { addresses } = rig;
  expect(await response.json()).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    node: process.versions.node,
    state: "RUNNING",
    uptimeSeconds: expect.any(Number),
    roles: ["send", "events", "intake"],
    checks: { service: { ok: true }, eventlog: { ok: true } },
    roleChecks: { send: { ok: true }, events: { ok: true }, intake: { ok: true } },
    listeners: {
      grpc: { address: addresses.grpc, connections: 1 },
      http: { address: addresses.http, connections: 0 },
      webhook: { address: addresses.webhook },
      admin: { address: addresses.admin },
    },
    streams: { [WATCH]: 1 },
    log: { earliest: 0, head: expect.any(Number), health: { ok: true }, events: expect.any(Number) },
    watchLagEvents: expect.any(Number),
    subscriptions: { count: 1, list: [{ id: "billing", consumers: 0, deadLetters: 0 }] },
    queue: { calls: 0, circuit: "closed", pausedSeconds: 0, oldestSeconds: 0, rateLimitWaitSeconds: 0 },
    outbox: { inFlight: 0, heldSeconds: 0, overdueSeconds: 0 },
  });
  call.abort();
  await frames.next().catch(() => undefined);
});

test("it shows no secret, no number of a person and no message id", async () => {
  const { results } = await rig.messages.sendMessages(validRequest("Shop"));
  const text = await (await get("/statusz")).text();
  expect(results[0]?.messageId).toMatch(/./);
  for (const hidden of [results[0]?.messageId ?? "", "a-secret-of-the-test-rig", "4179", "simulator"]) {
    expect(text).not.toContain(hidden);
  }
});

test("the index names every page, and an unknown page names them too", async () => {
  const index = await get("/");
  expect(index.headers.get("content-type")).toMatch(/^text\/plain/);
  const text = await index.text();
  const pages = ["/", "/startupz", "/livez", "/readyz", "/metrics", "/statusz", "/loglevel"];
  expect(text.match(/^\/\w*/gm)).toEqual(pages);
  const unknown = await get("/debug");
  expect([unknown.status, await unknown.json()]).toEqual([404, { error: "NOT_FOUND", pages }]);
  expect((await get("/statusz", { method: "PUT" })).status).toBe(405);
  expect((await get("/", { method: "HEAD" })).status).toBe(200);
});

const PARTS = {
  state: "RUNNING",
  roles: [],
  checks: {},
  roleChecks: {},
  now: () => NOW,
  startedAt: NOW - 5_000,
} as const;

test("all parts of a fleet with TLS are told, and what cannot be read is left out", async () => {
  await using metrics = metricsOfEverything();
  expect(await serviceStatus({ ...PARTS, metrics })).toMatchObject({
    uptimeSeconds: 5,
    subscriptions: { count: 1, list: [{ id: "billing", lagEvents: 7, lagSeconds: 2.5, deadLetters: 4 }] },
    fleet: { connected: true, units: { outbox: 1 }, replica: { lag: 3, isCaughtUp: true } },
    certificates: [{ listener: "grpc", notAfter: new Date(NOW + 86_400_000).toISOString() }],
    log: { retention: { bytes: 8_192, used: 0.5 } },
  });
  const broken = () => Promise.reject(new Error("private"));
  metrics.observeSubscriptions({ list: () => [{ id: "billing" } as never], progress: broken });
  metrics.observeLog({
    bounds: () => ({ earliest: 3, head: 4 }),
    health: () => ({ ok: false, reason: "disk full" }),
    stats: broken,
  });
  const status = JSON.parse(JSON.stringify(await serviceStatus({ ...PARTS, metrics })));
  expect(status.subscriptions).toEqual({ count: 1, list: [] });
  expect(status.log).toEqual({ earliest: 3, head: 4, health: { ok: false, reason: "disk full" } });
});

test("it lists a bounded number of subscriptions and counts all", async () => {
  await using metrics = metricsOfEverything();
  const many = Array.from({ length: 250 }, (_, index) => ({ id: `s${index}` }) as never);
  metrics.observeSubscriptions({ list: () => many, progress: async () => PROGRESS });
  const { subscriptions } = JSON.parse(JSON.stringify(await serviceStatus({ ...PARTS, metrics })));
  expect(subscriptions.count).toBe(250);
  expect(subscriptions.list).toHaveLength(MAX_LISTED_SUBSCRIPTIONS);
});

test("a page that fails says so, and nothing of why", async () => {
  await using admin = await AdminListener.start({
    listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
    checks: () => ({}),
    status: () => Promise.reject(new Error("private")),
  });
  const port = admin.address.kind === "tcp" ? admin.address.port : 0;
  const response = await fetch(`http://127.0.0.1:${port}/statusz`, { headers: { connection: "close" } });
  expect([response.status, await response.json()]).toEqual([503, { error: "STATUSZ_UNAVAILABLE" }]);
});
