import { expect, test } from "vitest";
import { loadConfig } from "../src/config/load-config.ts";
import { configWarnings } from "../src/config/warnings.ts";
import { sources, VALID } from "./config-sources.ts";

const PUBLIC = { "--webhook-public-url": "https://h.example.com", "--webhook-secret": "0123456789abcdef" };
const ALLOW = { "--webhook-allow-ips": "192.0.2.0/24" };

test.each<[string, Record<string, string>, string[]]>([
  ["the defaults", {}, []],
  ["a public URL and a listener", PUBLIC, []],
  ["a public URL where nothing listens", { ...PUBLIC, "--webhook-listen": "" }, ["webhook.listen"]],
  [
    "every IPv4 address as a proxy",
    { ...ALLOW, "--webhook-trusted-proxies": "unix, 10.0.0.0/8, 0.0.0.0/0" },
    ["webhook.trusted_proxies"],
  ],
  [
    "every IPv6 address as a proxy",
    { ...ALLOW, "--webhook-trusted-proxies": "::/0" },
    ["webhook.trusted_proxies"],
  ],
  ["proxies that are named", { ...ALLOW, "--webhook-trusted-proxies": "unix, 10.0.0.0/8" }, []],
  ["every address as a proxy where addresses do not count", { "--webhook-trusted-proxies": "::/0" }, []],
])("%s: %j warns of %j", async (_, flags, expected) => {
  const warnings = configWarnings(await loadConfig(sources(VALID, flags, {})));
  expect(warnings.map(({ setting }) => setting)).toEqual(expected);
});
