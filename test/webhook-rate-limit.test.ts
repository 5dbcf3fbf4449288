import { expect, test } from "vitest";
import { Secret } from "../src/secret.ts";
import { TokenBucket } from "../src/webhook/token-bucket.ts";
import { configuredChecks } from "../src/webhook/webhook-checks.ts";
import { bodyOf, deliveryReport, SECRET, startWebhookTarget } from "./fixtures/webhook-target.ts";

const report = bodyOf(deliveryReport());

test("webhooks over the rate get 429 with a time to wait, and are taken when it has passed", async () => {
  let now = 0;
  await using target = await startWebhookTarget({
    limits: { maxRequestsPerSecond: 2 },
    monotonicNow: () => now,
  });
  const post = async () => (await target.post("delivery", report)).status;
  expect([await post(), await post()]).toEqual([200, 200]);
  const refused = await target.post("seen", report);
  expect([refused.status, JSON.parse(refused.text).error]).toEqual([429, "RATE_LIMITED"]);
  expect(refused.headers["retry-after"]).toBe("1");
  expect(target.outcomes.at(-1)).toMatchObject({ route: "seen", status: 429, reason: "RATE_LIMITED" });
  now += 499;
  expect(await post()).toBe(429);
  now += 1;
  expect([await post(), await post()]).toEqual([200, 429]);
});

test("what is not genuine takes nothing of the rate", async () => {
  const hmac = {
    secret: new Secret("k"),
    algorithm: "sha256",
    header: "X-Signature",
    encoding: "hex",
  } as const;
  const parts = { basic: undefined, hmac, allowIps: [], trustedProxies: [] };
  const checks = configuredChecks(new Secret(SECRET), parts);
  await using target = await startWebhookTarget({
    limits: { maxRequestsPerSecond: 1 },
    monotonicNow: () => 0,
    security: { ...parts, require: { delivery: ["secret"], seen: checks, inbound: checks, click: checks } },
  });
  for (let attempt = 0; attempt < 3; attempt++) {
    expect((await target.send("POST", "/v1/delivery/wrong", report)).status).toBe(404);
    const unsigned = { "x-signature": "0".repeat(64) };
    expect((await target.post("seen", report, unsigned)).status).toBe(401);
    expect((await target.send("GET", `/v1/delivery/${SECRET}`)).status).toBe(405);
  }
  expect((await target.post("delivery", report)).status).toBe(200);
  expect((await target.post("delivery", report)).status).toBe(429);
});

test("a long silence gives no more than one second's worth", () => {
  let now = 0;
  const bucket = new TokenBucket(3, () => now);
  now = 3_600_000;
  expect([1, 2, 3, 4].map(() => bucket.tryTake())).toEqual([true, true, true, false]);
});
