import { describe, expect, test } from "vitest";
import { loadConfig, readConfig } from "../src/config/load-config.ts";
import { DEFAULT_WEBHOOK_LIMITS } from "../src/webhook/webhook-limits.ts";
import { sources, VALID } from "./config-sources.ts";

const SECRET = "0123456789abcdef";
const BASIC = { "--webhook-basic-username": "infobip", "--webhook-basic-password": "basic-secret" };
const HMAC = { "--webhook-hmac-secret": "hmac-secret" };
const PUBLIC = { "--webhook-public-url": "https://h.example.com", "--webhook-secret": SECRET };

async function webhook(flags: Record<string, string>, files: Record<string, string> = {}) {
  return (await loadConfig(sources(VALID, flags, files))).webhook;
}

describe("what a route asks for", () => {
  test("is nothing on this machine, when nothing is configured", async () => {
    const { security, maxRequestsPerSecond } = await webhook({});
    expect(security).toEqual({
      basic: undefined,
      hmac: undefined,
      allowIps: [],
      trustedProxies: [],
      require: { delivery: [], seen: [], inbound: [], click: [] },
    });
    expect(maxRequestsPerSecond).toBe(DEFAULT_WEBHOOK_LIMITS.maxRequestsPerSecond);
  });

  test("is everything that is configured", async () => {
    const flags = { "--webhook-secret": SECRET, ...BASIC, ...HMAC, "--webhook-allow-ips": "192.0.2.0/24" };
    const { security } = await webhook(flags);
    const all = ["secret", "basic", "hmac", "ip"];
    expect(security.require).toEqual({ delivery: all, seen: all, inbound: all, click: all });
    expect(security.hmac).toMatchObject({
      algorithm: "sha256",
      header: "X-Hub-Signature-256",
      encoding: "hex",
    });
  });

  test("is what its setting names", async () => {
    const { security } = await webhook({
      ...PUBLIC,
      ...BASIC,
      "--webhook-delivery-require": "secret",
      "--webhook-seen-require": "secret",
      "--webhook-click-require": "secret",
      "--webhook-inbound-require": "basic, secret",
    });
    expect(security.require).toEqual({
      delivery: ["secret"],
      seen: ["secret"],
      inbound: ["secret", "basic"],
      click: ["secret"],
    });
  });

  test("comes from a file too, where lists are lists or text", async () => {
    const file = `webhook:
  secret: ${SECRET}
  hmac_secret_file: hmac
  allow_ips: [192.0.2.0/24, "2001:db8::/32"]
  trusted_proxies:
    - 10.0.0.0/8
    - unix
  inbound:
    require: [secret, hmac]
  click:
    require: none
`;
    const { security } = await webhook({}, { "config.yaml": file, hmac: "from a file\n" });
    expect(security).toMatchObject({
      allowIps: ["192.0.2.0/24", "2001:db8::/32"],
      trustedProxies: ["10.0.0.0/8", "unix"],
      require: { delivery: ["secret", "hmac", "ip"], inbound: ["secret", "hmac"], click: [] },
    });
    expect(security.hmac?.secret.reveal()).toBe("from a file");
  });
});

describe("mistakes are named at the start", () => {
  const cases: [string, Record<string, string>, RegExp][] = [
    [
      "password missing",
      { "--webhook-basic-username": "u" },
      /^webhook\.basic_password is required with webhook\.basic_username/,
    ],
    [
      "user name missing",
      { "--webhook-basic-password": "p" },
      /^webhook\.basic_username is required with webhook\.basic_password/,
    ],
    [
      "colon in the user name",
      { ...BASIC, "--webhook-basic-username": "a:b" },
      /^webhook\.basic_username must not hold a colon/,
    ],
    [
      "signature without a key",
      { "--webhook-inbound-require": "hmac" },
      /^webhook\.inbound\.require names hmac, so webhook\.hmac_secret is required/,
    ],
    [
      "addresses without a list",
      { "--webhook-seen-require": "ip" },
      /^webhook\.seen\.require names ip, so webhook\.allow_ips is required/,
    ],
    [
      "unknown check",
      { "--webhook-click-require": "secret,magic" },
      /^webhook\.click\.require must be a list of secret, basic, hmac, ip, mtls, or none$/,
    ],
    [
      "none beside another check",
      { "--webhook-secret": SECRET, "--webhook-click-require": "secret,none" },
      /^webhook\.click\.require must be a list/,
    ],
    [
      "unknown algorithm",
      { "--webhook-hmac-algorithm": "sha3" },
      /^webhook\.hmac_algorithm must be one of md5/,
    ],
    ["unknown encoding", { "--webhook-hmac-encoding": "utf8" }, /^webhook\.hmac_encoding must be one of hex/],
    [
      "no header name",
      { "--webhook-hmac-header": "X Y" },
      /^webhook\.hmac_header must be the name of an HTTP header/,
    ],
    [
      "wrong network",
      { "--webhook-allow-ips": "192.0.2.0/24,192.0.2.0/33" },
      /^webhook\.allow_ips the number after the slash/,
    ],
    [
      "socket among the allowed",
      { "--webhook-allow-ips": "unix" },
      /^webhook\.allow_ips must be addresses or networks/,
    ],
    [
      "wrong proxy",
      { "--webhook-trusted-proxies": "proxy.local" },
      /^webhook\.trusted_proxies must be addresses or networks/,
    ],
    [
      "no rate",
      { "--webhook-max-requests-per-second": "0" },
      /^webhook\.max_requests_per_second must be between 1 and/,
    ],
    [
      "open route on a public address",
      { "--webhook-listen": "0.0.0.0:1", "--webhook-secret": SECRET, "--webhook-click-require": "none" },
      /^webhook\.click\.require must not be none/,
    ],
    [
      "open route with a public URL",
      { ...PUBLIC, "--webhook-inbound-require": "none" },
      /^webhook\.inbound\.require must not be none/,
    ],
  ];
  test.each(cases)("%s", async (_, flags, expected) => {
    const { problems, config } = await readConfig(sources(VALID, flags));
    expect(config).toBeUndefined();
    expect(problems.map(({ setting, message }) => `${setting} ${message}`)).toEqual([
      expect.stringMatching(expected),
    ]);
  });

  test("a password for URLs that stand in messages, each route by itself", async () => {
    const { problems } = await readConfig(sources(VALID, { ...PUBLIC, ...BASIC, ...HMAC }));
    expect(problems.map(({ setting }) => setting)).toEqual([
      "webhook.delivery.require",
      "webhook.seen.require",
      "webhook.click.require",
    ]);
    expect(problems[0]?.message).toMatch(/^asks for basic and hmac, which Infobip does not send to the URL/);
    expect(JSON.stringify(problems)).not.toMatch(/basic-secret|hmac-secret/);
  });

  test("none of that where any other check protects the public address", async () => {
    const open = { "--webhook-listen": "0.0.0.0:1" };
    for (const protection of [BASIC, HMAC, { "--webhook-allow-ips": "192.0.2.0/24" }]) {
      const { problems } = await readConfig(sources(VALID, { ...open, ...protection }));
      expect(problems).toEqual([]);
    }
  });
});
