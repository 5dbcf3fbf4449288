import { expect, test } from "vitest";
import { loadConfig } from "../src/config/load-config.ts";
import { configWarnings } from "../src/config/warnings.ts";
import { sources, VALID } from "./config-sources.ts";

const PUBLIC = { "--webhook-public-url": "https://h.example.com", "--webhook-secret": "0123456789abcdef" };
const NATS = { "--eventlog-url": "nats://127.0.0.1:4222" };
const REMOTE = { "--eventlog-url": "nats://a:4222,nats://b:4222" };
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
  [
    "a public URL without a listener, in a process that takes no webhooks",
    { ...PUBLIC, ...NATS, "--webhook-listen": "", "--roles": "send" },
    [],
  ],
  ["pulling and a public URL", { ...PUBLIC, "--pull-reports": "true" }, ["pull.reports"]],
  [
    "pulling that another process does",
    { ...PUBLIC, ...NATS, "--pull-reports": "true", "--roles": "send" },
    [],
  ],
  ["an embedded log that nobody reads", { "--roles": "intake" }, ["roles"]],
  ["an embedded log without reports", { "--roles": "send,events" }, ["roles"]],
  ["some roles and a shared log", { ...NATS, "--roles": "intake" }, []],
  ["a shared log", NATS, []],
  ["one replica", { ...NATS, "--nats-replicas": "1" }, ["nats.replicas"]],
  [
    "NATS without the log",
    { "--nats-user": "u", "--nats-password": "p", "--nats-replicas": "3" },
    ["nats.replicas"],
  ],
  ["NATS settings that are empty, without the log", { "--nats-user": "" }, []],
  ["a token in the clear", { ...REMOTE, "--nats-token": "t" }, ["eventlog.url"]],
  ["a token over TLS", { "--eventlog-url": "tls://a", "--nats-token": "t" }, []],
  [
    "a token on this machine",
    { "--eventlog-url": "nats://127.0.0.1,nats://[::1]:1", "--nats-token": "t" },
    [],
  ],
  [
    "a log that answers and submissions may fill",
    { "--eventlog-retention-bytes": "5GiB" },
    ["eventlog.retention_bytes"],
  ],
  ["a log with just enough room", { "--eventlog-retention-bytes": "6GiB" }, []],
  ["a small stream of events", { ...NATS, "--eventlog-retention-bytes": "1GiB" }, []],
])("%s: %j warns of %j", async (_, flags, expected) => {
  const warnings = configWarnings(await loadConfig(sources(VALID, flags, {})));
  expect(warnings.map(({ setting }) => setting)).toEqual(expected);
});

test("what is lost without a role, and what has no effect, is named", async () => {
  const texts = async (flags: Record<string, string>) =>
    configWarnings(await loadConfig(sources(VALID, flags))).map(({ message }) => message);
  expect(await texts({ "--roles": "intake" })).toEqual([
    expect.stringMatching(
      /^leave out send and events, .* without events, nobody can read it; set eventlog\.url/,
    ),
  ]);
  expect(await texts({ "--nats-token": "secret-token", "--nats-prefix": "OTHER" })).toEqual([
    expect.stringMatching(/^has no effect while eventlog\.url is empty, nor have nats\.token: /),
  ]);
});
