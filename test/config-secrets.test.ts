import { inspect } from "node:util";
import { expect, test } from "vitest";
import { loadConfig, readConfig } from "../src/config/load-config.ts";
import { ConfigError } from "../src/config/problem.ts";
import { sources, VALID } from "./config-sources.ts";

const KEY = VALID.INFOBIP_RPC_UPSTREAM_API_KEY;
const BASE = { INFOBIP_RPC_UPSTREAM_BASE_URL: VALID.INFOBIP_RPC_UPSTREAM_BASE_URL };

test("no secret shows when the configuration is printed, inspected or serialised", async () => {
  const webhookSecret = "abcdefghijklmnopqrstuvwxyz";
  const input = sources({ ...VALID, INFOBIP_RPC_WEBHOOK_SECRET: webhookSecret });
  const reading = await readConfig(input);
  const shown = [
    inspect(reading, { depth: 9, showHidden: true }),
    JSON.stringify(reading),
    `${reading.config?.webhook.secret}`,
  ];
  for (const text of shown) {
    expect(text).toContain("[hidden]");
    expect(text).not.toContain(KEY);
    expect(text).not.toContain(webhookSecret);
  }
});

test("a secret can be read from a file, without the line end, by all three sources", async () => {
  const files = { "/run/key": `${KEY}\n` };
  const yaml = { ...files, "config.yaml": "upstream:\n  api_key_file: /run/key\n" };
  const inputs = [
    sources({ ...BASE, INFOBIP_RPC_UPSTREAM_API_KEY_FILE: "/run/key" }, {}, files),
    sources(BASE, { "--upstream-api-key-file": "/run/key" }, files),
    sources(BASE, {}, yaml),
  ];
  for (const input of inputs) {
    const { auth } = (await loadConfig(input)).upstream;
    expect(auth.type === "app" && auth.apiKey.reveal()).toBe(KEY);
  }
});

test("a secret given as value and as file is refused", async () => {
  const input = sources(
    { ...VALID, INFOBIP_RPC_UPSTREAM_API_KEY_FILE: "/run/key" },
    {},
    { "/run/key": "other" },
  );
  const { problems } = await readConfig(input);
  expect(problems).toEqual([
    {
      setting: "upstream.api_key",
      origin: "INFOBIP_RPC_UPSTREAM_API_KEY_FILE",
      message: "given twice; remove this or INFOBIP_RPC_UPSTREAM_API_KEY",
    },
  ]);
});

test("a missing secret file and a bad secret are told without any content", async () => {
  const missing = await readConfig(sources({ ...BASE, INFOBIP_RPC_UPSTREAM_API_KEY_FILE: "/gone" }));
  expect(missing.problems).toEqual([
    {
      setting: "upstream.api_key",
      origin: "INFOBIP_RPC_UPSTREAM_API_KEY_FILE",
      message: "its file cannot be read: no such file",
    },
  ]);
  const bad = loadConfig(sources({ ...VALID, INFOBIP_RPC_WEBHOOK_SECRET: "bad secret!" }));
  await expect(bad).rejects.toThrow(ConfigError);
  await expect(bad).rejects.not.toThrow(/bad secret!/);
});

test("credentials in a URL are refused, and shown nowhere", async () => {
  const texts = [
    "nats://bobby:pass-word@a:1",
    "tls://a:1, tls://bobby:pass-word@b:1",
    "bobby:pass-word@a:4222",
  ];
  for (const text of texts) {
    const reading = await readConfig(sources({ ...VALID, INFOBIP_RPC_EVENTLOG_URL: text }));
    expect(reading.problems.map(({ setting }) => setting)).toEqual(["eventlog.url"]);
    expect(inspect(reading, { depth: 9 })).not.toMatch(/bobby|pass-word/);
  }
  const upstream = await readConfig(
    sources({ ...VALID, INFOBIP_RPC_UPSTREAM_BASE_URL: "https://bobby:pass-word@abc.api.infobip.com" }),
  );
  expect(upstream.problems).toHaveLength(1);
  expect(inspect(upstream, { depth: 9 })).not.toMatch(/bobby|pass-word/);
});
