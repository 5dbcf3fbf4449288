import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Secret } from "../src/secret.ts";
import { AddressList, parseNetwork } from "../src/webhook/address-list.ts";
import { configuredChecks, type WebhookSecurity } from "../src/webhook/webhook-checks.ts";
import { bodyOf, deliveryReport, SECRET, startWebhookTarget } from "./fixtures/webhook-target.ts";

const report = bodyOf(deliveryReport());

function allowing(allowIps: readonly string[], trustedProxies: readonly string[] = []): WebhookSecurity {
  const parts = { basic: undefined, hmac: undefined, allowIps, trustedProxies };
  const checks = configuredChecks(new Secret(SECRET), parts);
  return { ...parts, require: { delivery: checks, seen: checks, inbound: checks, click: checks } };
}

test.each([
  [["127.0.0.0/8"], 200],
  [["192.0.2.0/24", "127.0.0.1"], 200],
  [["0.0.0.0/0"], 200],
  [["192.0.2.0/24"], 404],
  [["2001:db8::/32"], 404],
])("from this machine, with %j allowed, the answer is %i", async (allowIps, status) => {
  await using target = await startWebhookTarget({ security: allowing(allowIps) });
  const answer = await target.post("delivery", report, { "x-forwarded-for": "192.0.2.7" });
  expect(answer.status).toBe(status);
  expect(target.outcomes[0]?.reason).toBe(status === 200 ? undefined : "ADDRESS_NOT_ALLOWED");
});

test("an address that is not allowed is answered like a path that does not exist", async () => {
  await using target = await startWebhookTarget({ security: allowing(["192.0.2.0/24"]) });
  const unknown = await target.send("POST", "/nothing", report);
  const refused = await target.post("delivery", report);
  expect([refused.status, refused.text]).toEqual([unknown.status, unknown.text]);
  expect(target.events()).toHaveLength(0);
});

test.each([
  // Behind one trusted proxy: what it appended counts, not what the sender wrote.
  ["192.0.2.7", 200],
  ["192.0.2.7:4711", 200],
  ["2001:db8::7", 200],
  ["[2001:db8::7]:4711", 200],
  ["::ffff:192.0.2.7", 200],
  ["192.0.2.7, 198.51.100.1", 404],
  ["198.51.100.1, 192.0.2.7", 200],
  // Behind two trusted proxies.
  ["192.0.2.7, 10.0.0.3", 200],
  ["192.0.2.7, 10.0.0.3, 10.0.0.4", 200],
  ["192.0.2.7, 198.51.100.1, 10.0.0.3", 404],
  // Nothing that could be believed.
  ["", 404],
  ["10.0.0.3", 404],
  ["192.0.2.7, unknown", 404],
  ["192.0.2.7, unix", 404],
  ["192.0.2.7,", 404],
  ["192.0.2.999", 404],
])("from a trusted proxy with X-Forwarded-For %j the answer is %i", async (header, status) => {
  const security = allowing(["192.0.2.0/24", "2001:db8::/32"], ["127.0.0.1", "10.0.0.0/8"]);
  await using target = await startWebhookTarget({ security });
  expect((await target.post("delivery", report, { "x-forwarded-for": header })).status).toBe(status);
});

test("over a Unix socket the header counts when the proxy there is trusted", async () => {
  const directory = await mkdtemp(join(tmpdir(), "infobip-rpc-addresses-"));
  try {
    const socketPath = join(directory, "webhooks");
    const listen = { kind: "unix", path: socketPath } as const;
    for (const [trusted, header, status] of [
      [["unix"], "192.0.2.7", 200],
      [["unix"], "198.51.100.1", 404],
      [["unix"], "192.0.2.7, unix", 404],
      [[], "192.0.2.7", 404],
    ] as const) {
      await using _target = await startWebhookTarget({
        listen,
        security: allowing(["192.0.2.0/24"], trusted),
      });
      expect([trusted, header, await postOver(socketPath, header)]).toEqual([trusted, header, status]);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

function postOver(socketPath: string, forwardedFor: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { "x-forwarded-for": forwardedFor };
    const path = `/v1/delivery/${SECRET}`;
    const outgoing = request({ socketPath, method: "POST", path, headers, agent: false }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    });
    outgoing.on("error", reject).end(report);
  });
}

test("a list knows addresses in every spelling", () => {
  const list = new AddressList(["192.0.2.0/24", "2001:db8::/32", "203.0.113.9"]);
  const inside = ["192.0.2.255", "::ffff:192.0.2.1", "::ffff:c000:0201", "2001:DB8:0:0::1", "203.0.113.9"];
  const outside = ["192.0.3.0", "::ffff:192.0.3.1", "2001:db9::1", "203.0.113.8", "", "192.0.2", "unix"];
  expect(inside.filter((address) => !list.has(address))).toEqual([]);
  expect(outside.filter((address) => list.has(address))).toEqual([]);
});

test.each([
  "",
  "192.0.2",
  "192.0.2.0/33",
  "2001:db8::/129",
  "192.0.2.0/x",
  "192.0.2.0/24/8",
  "192.0.2.0/-1",
  "a.b",
])("%j is no network", (text) => {
  expect(() => parseNetwork(text)).toThrow(/^(must be addresses|the number after the slash)/);
});
