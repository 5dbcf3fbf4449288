import { describe, expect, test } from "vitest";
import { loadConfig, readConfig } from "../src/config/load-config.ts";
import { sources, VALID } from "./config-sources.ts";

const URLS = { "--eventlog-url": "nats://a:4222" };
const SEED = `SU${"A".repeat(56)}`;
const CREDS = "-----BEGIN NATS USER JWT-----\nx\n-----BEGIN USER NKEY SEED-----\ny\n";
const CERT = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const KEY = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n";

async function nats(flags: Record<string, string>, files: Record<string, string> = {}) {
  const { eventlog } = await loadConfig(sources(VALID, flags, files));
  if (eventlog.nats === undefined) throw new Error("the log is the embedded one");
  return eventlog.nats;
}

async function problems(flags: Record<string, string>): Promise<string[]> {
  const { problems: found } = await readConfig(sources(VALID, flags));
  return found.map(({ setting, message }) => `${setting} ${message}`);
}

test("without servers the log is the embedded one", async () => {
  expect((await loadConfig(sources(VALID))).eventlog).toEqual({
    nats: undefined,
    retention: { ageMs: 7 * 86_400_000, bytes: 10 * 1024 ** 3 },
  });
});

test("servers alone are enough", async () => {
  expect(await nats(URLS)).toEqual({
    options: {
      servers: ["nats://a:4222"],
      auth: { kind: "none" },
      tls: undefined,
      name: "infobip-rpc",
      connectTimeoutMs: 10_000,
      requestTimeoutMs: 5_000,
      maxInFlightBytes: 32 * 1024 ** 2,
    },
    prefix: "INFOBIP_RPC",
    replicas: 3,
    dedupeWindowMs: 2 * 3_600_000,
    subscriptionsBytes: 1024 ** 3,
  });
});

test("servers are a list, each with its port and once", async () => {
  const text = "nats://a, nats://[::1]:99/,nats://10.0.0.1:4222 nats://a:4222";
  const servers = ["nats://a:4222", "nats://[::1]:99", "nats://10.0.0.1:4222"];
  expect((await nats({ "--eventlog-url": text })).options.servers).toEqual(servers);
  const file = "eventlog:\n  url: [nats://a, nats://b:1]\n";
  expect((await nats({}, { "config.yaml": file })).options.servers).toEqual(["nats://a:4222", "nats://b:1"]);
});

describe("credentials", () => {
  test.each<[Record<string, string>, string, string]>([
    [{ "--nats-user": "u", "--nats-password": "p-1" }, "password", "p-1"],
    [{ "--nats-token": "t-1" }, "token", "t-1"],
    [{ "--nats-nkey-seed": SEED }, "nkey", SEED],
    [{ "--nats-credentials": CREDS }, "creds", CREDS],
  ])("%j", async (flags, kind, secret) => {
    const { auth } = (await nats({ ...URLS, ...flags })).options;
    expect(auth.kind).toBe(kind);
    const revealed = Object.values(auth).map((value) => (typeof value === "string" ? value : value.reveal()));
    expect(revealed).toContain(secret);
    const reading = await readConfig(sources(VALID, { ...URLS, ...flags }));
    expect(JSON.stringify(reading)).not.toContain(JSON.stringify(secret).slice(1, -1));
  });

  test("come from files too, those of several lines as they are", async () => {
    const files = { user: "u\n", password: "p\n", creds: CREDS, ca: CERT, cert: CERT, key: KEY };
    const file = `eventlog: {url: nats://a}
nats: {credentials_file: creds, tls_ca_file: ca, tls_cert_file: cert, tls_key_file: key}
`;
    const { options } = await nats({}, { ...files, "config.yaml": file });
    expect(options.auth.kind === "creds" && options.auth.creds.reveal()).toBe(CREDS.trimEnd());
    expect([options.tls?.ca, options.tls?.cert]).toEqual([CERT.trimEnd(), CERT.trimEnd()]);
    expect(options.tls?.key?.reveal()).toBe(KEY.trimEnd());
    const environment = {
      ...VALID,
      INFOBIP_RPC_EVENTLOG_URL: "nats://a",
      INFOBIP_RPC_NATS_USER_FILE: "user",
      INFOBIP_RPC_NATS_PASSWORD_FILE: "password",
    };
    const { eventlog } = await loadConfig(sources(environment, {}, files));
    expect(eventlog.nats?.options.auth).toMatchObject({ kind: "password", user: "u" });
  });
});

test("tls:// and certificates ask for TLS, nats:// alone leaves it to the server", async () => {
  expect((await nats(URLS)).options.tls).toBeUndefined();
  expect((await nats({ "--eventlog-url": "tls://a:1" })).options.tls).toEqual({});
  expect((await nats({ ...URLS, "--nats-tls-ca": CERT })).options.tls).toEqual({ ca: CERT });
});

test("settings of several lines are shown in one", async () => {
  const { settings } = await readConfig(sources(VALID, { ...URLS, "--nats-tls-ca": CERT }));
  const shown = settings.find(({ path }) => path === "nats.tls_ca")?.shown;
  expect(shown).toBe("-----BEGIN CERTIFICATE----- …");
});

describe("mistakes are named at the start", () => {
  test.each<[Record<string, string>, RegExp]>([
    [
      { "--eventlog-url": "redis://a:1" },
      /^eventlog\.url must be empty, .* or the servers of NATS JetStream/,
    ],
    [{ "--eventlog-url": "a:4222" }, /^eventlog\.url must be empty/],
    [{ "--eventlog-url": "nats://a:4222/x" }, /^eventlog\.url must be empty/],
    [{ "--eventlog-url": "nats://a:0" }, /^eventlog\.url must be empty/],
    [{ "--eventlog-url": "nats://" }, /^eventlog\.url must be empty/],
    [{ "--eventlog-url": "nats://a:99999" }, /^eventlog\.url must be empty/],
    [{ "--eventlog-url": "nats://tok@a:4222" }, /^eventlog\.url must not hold credentials; use nats\.user/],
    [{ "--eventlog-url": "nats://a,tls://b" }, /^eventlog\.url must not mix nats:\/\/ and tls:\/\//],
    [{ "--nats-prefix": "A.B" }, /^nats\.prefix must be 1 to 32 letters/],
    [{ "--nats-prefix": "A".repeat(33) }, /^nats\.prefix must be 1 to 32 letters/],
    [{ "--nats-replicas": "4" }, /^nats\.replicas must be 1, 2, 3 or 5/],
    [{ "--nats-dedupe-window": "59s" }, /^nats\.dedupe_window must be between 1m and 31d/],
    [
      { "--eventlog-retention-age": "1h" },
      /^nats\.dedupe_window must not be longer than eventlog\.retention_age, 1h$/,
    ],
    [{ "--nats-user": "u" }, /^nats\.password is required with nats\.user$/],
    [{ "--nats-password": "p" }, /^nats\.user is required with nats\.password$/],
    [{ "--nats-tls-cert": CERT }, /^nats\.tls_key is required with nats\.tls_cert$/],
    [{ "--nats-tls-key": KEY }, /^nats\.tls_cert is required with nats\.tls_key$/],
    [{ "--nats-token": "t", "--nats-nkey-seed": SEED }, /^nats\.nkey_seed is set and so is nats\.token; /],
    [{ "--nats-nkey-seed": `SA${"A".repeat(56)}` }, /^nats\.nkey_seed must be the seed of a user's nkey/],
    [{ "--nats-credentials": SEED }, /^nats\.credentials must be the content of a \.creds file/],
    [{ "--nats-tls-ca": "/etc/ca.pem" }, /^nats\.tls_ca must be one or more certificates in PEM/],
    [
      { "--nats-tls-cert": CERT, "--nats-tls-key": KEY.replaceAll("PRIVATE", "ENCRYPTED PRIVATE") },
      /^nats\.tls_key is protected by a passphrase/,
    ],
  ])("%j", async (flags, expected) => {
    const found = await problems({ ...URLS, ...flags });
    expect(found).toEqual([expect.stringMatching(expected)]);
    expect(found.join()).not.toMatch(/tok@|AAAA|MII/);
  });

  test("but what the embedded log does not look at may be anything that can be read", async () => {
    expect(await problems({ "--eventlog-retention-age": "1h" })).toEqual([]);
  });
});
