import { expect, test } from "vitest";
import { loadConfig, readConfig } from "../src/config/load-config.ts";
import { configWarnings } from "../src/config/warnings.ts";
import { cli, jsonLines } from "./cli-harness.ts";
import { sources, VALID } from "./config-sources.ts";

const PUSHED = {
  INFOBIP_RPC_WEBHOOK_PUBLIC_URL: "https://hooks.example.com",
  INFOBIP_RPC_WEBHOOK_SECRET: "a-secret-of-the-pull-test",
};

test("nothing is fetched unless it is asked for", async () => {
  expect((await loadConfig(sources(VALID))).pull).toEqual({
    reports: false,
    inbound: [],
    intervalMs: 5_000,
    limit: 500,
  });
});

test("channels are a list, from every source", async () => {
  const file = "pull:\n  reports: true\n  inbound: SMS, WHATSAPP,SMS\n  interval: 30s\n  limit: 1000\n";
  expect((await loadConfig(sources(VALID, {}, { "config.yaml": file }))).pull).toEqual({
    reports: true,
    inbound: ["SMS", "WHATSAPP"],
    intervalMs: 30_000,
    limit: 1_000,
  });
  const list = "pull:\n  inbound: [SMS, MMS]\n";
  expect((await loadConfig(sources(VALID, {}, { "config.yaml": list }))).pull.inbound).toEqual([
    "SMS",
    "MMS",
  ]);
  const flags = { "--pull-inbound": "VIBER_BM" };
  expect((await loadConfig(sources(VALID, flags))).pull.inbound).toEqual(["VIBER_BM"]);
});

test.each([
  [
    "INFOBIP_RPC_PULL_INBOUND",
    "SMS,RCS",
    /^must be a list of APPLE_MB, MESSENGER, MMS, SMS, VIBER_BM, WHATSAPP/,
  ],
  ["INFOBIP_RPC_PULL_INTERVAL", "999ms", /^must be between 1s and 10m/],
  ["INFOBIP_RPC_PULL_LIMIT", "1001", /^must be between 1 and 1000/],
])("%s=%s is refused", async (name, value, message) => {
  const { problems, config } = await readConfig(sources({ ...VALID, [name]: value }));
  expect(config).toBeUndefined();
  expect(problems).toEqual([
    { setting: expect.any(String), origin: name, message: expect.stringMatching(message) },
  ]);
});

test("fetching reports beside pushed ones is allowed, with a warning", async () => {
  const environment = { ...VALID, ...PUSHED, INFOBIP_RPC_PULL_REPORTS: "true" };
  expect(configWarnings(await loadConfig(sources(environment)))).toEqual([
    { setting: "pull.reports", message: expect.stringContaining("webhook.public_url") },
  ]);
  const shown = await cli(["config", "check", "--json"], { environment });
  expect(jsonLines(shown.stdout)).toMatchObject([{ ok: true, warnings: [{ setting: "pull.reports" }] }]);
  expect((await cli(["config", "check"], { environment })).stdout).toMatch(/\nwarning pull\.reports: /);

  for (const other of [
    { ...VALID, ...PUSHED },
    { ...VALID, INFOBIP_RPC_PULL_REPORTS: "true" },
  ]) {
    expect(configWarnings(await loadConfig(sources(other)))).toEqual([]);
  }
});
