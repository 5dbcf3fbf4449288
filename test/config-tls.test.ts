import { copyFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../src/config/load-config.ts";
import { configWarnings } from "../src/config/warnings.ts";
import { cli } from "./cli-harness.ts";
import { sources, VALID } from "./config-sources.ts";
import { createAuthority } from "./nats-certificates.ts";

const PAIR = { "--tls-cert-file": "/tls/tls.crt", "--tls-key-file": "/tls/tls.key" };
const CA = { "--tls-client-ca-file": "/tls/ca.crt" };
const WEBHOOK_PAIR = { "--webhook-tls-cert-file": "/w.crt", "--webhook-tls-key-file": "/w.key" };
const REMOTE = { "--grpc-listen": "0.0.0.0:50051" };
const CALLERS = { "--auth-callers-file": "/callers.yaml" };

const load = (flags: Readonly<Record<string, string>>) => loadConfig(sources(VALID, flags));

test("without files the listeners are plain", async () => {
  const { tls, webhook } = await load({});
  expect([tls, webhook.tls]).toEqual([undefined, undefined]);
});

test.each([
  [{ ...PAIR }, "off"],
  [{ ...PAIR, ...CA }, "required"],
  [{ ...PAIR, ...CA, "--tls-client-auth": "optional" }, "optional"],
])("%j makes client certificates %s", async (flags, clientAuth) => {
  const { tls } = await load(flags);
  expect(tls).toMatchObject({
    certFile: "/tls/tls.crt",
    keyFile: "/tls/tls.key",
    minVersion: "1.2",
    clientAuth,
  });
});

test("webhook listeners ask for certificates only where there is an authority, and leave it to the routes", async () => {
  expect((await load(WEBHOOK_PAIR)).webhook.tls).toMatchObject({ clientAuth: "off", certFile: "/w.crt" });
  const mutual = { ...WEBHOOK_PAIR, "--webhook-tls-client-ca-file": "/ca", "--tls-min-version": "1.3" };
  const { webhook } = await load({ ...mutual, "--webhook-inbound-require": "mtls" });
  expect(webhook.tls).toMatchObject({ clientAuth: "optional", minVersion: "1.3" });
  expect(webhook.security.require.inbound).toEqual(["mtls"]);
});

test.each<[string, Record<string, string>, RegExp]>([
  ["a certificate alone", { "--tls-cert-file": "/c" }, /^tls\.key_file is required with tls\.cert_file/],
  ["a key alone", { "--tls-key-file": "/k" }, /^tls\.cert_file is required with tls\.key_file/],
  ["an authority alone", CA, /^tls\.cert_file is required with tls\.client_ca_file/],
  ["an authority that is off", { ...PAIR, ...CA, "--tls-client-auth": "off" }, /^tls\.client_auth is off/],
  ["no authority", { ...PAIR, "--tls-client-auth": "required" }, /^tls\.client_ca_file is required/],
  [
    "another word",
    { ...PAIR, "--tls-client-auth": "maybe" },
    /^tls\.client_auth must be one of off, optional, required/,
  ],
  ["an old version", { ...PAIR, "--tls-min-version": "1.1" }, /^tls\.min_version must be one of 1\.2, 1\.3/],
  [
    "mtls without an authority",
    { "--webhook-seen-require": "mtls" },
    /names mtls, so webhook\.tls_client_ca_file is required/,
  ],
  [
    "TLS on a socket",
    { ...WEBHOOK_PAIR, "--webhook-listen": "unix:/w.sock" },
    /^webhook\.tls_cert_file has no effect/,
  ],
  ["another machine without TLS", REMOTE, /^grpc\.listen can be reached by other machines without TLS/],
])("%s is refused", async (_what, flags, message) => {
  const { problems } = (await load(flags).catch((error: unknown) => error)) as {
    problems: { setting: string; message: string }[];
  };
  expect(problems.map((problem) => `${problem.setting} ${problem.message}`)).toContainEqual(
    expect.stringMatching(message),
  );
});

test.each<[string, Record<string, string>, string[]]>([
  ["TLS on this machine", PAIR, []],
  ["TLS for everyone", { ...PAIR, ...REMOTE }, ["grpc.listen"]],
  ["TLS over HTTP for everyone", { ...PAIR, "--http-listen": "0.0.0.0:8080" }, ["http.listen"]],
  [
    "certificates that may be left out",
    { ...PAIR, ...CA, ...REMOTE, "--tls-client-auth": "optional" },
    ["grpc.listen"],
  ],
  ["certificates", { ...PAIR, ...CA, ...REMOTE }, []],
  ["callers over TLS", { ...PAIR, ...REMOTE, ...CALLERS }, []],
  ["tokens in the clear", { ...REMOTE, ...CALLERS, "--insecure-listen": "true" }, ["insecure_listen"]],
  ["sockets", { ...PAIR, "--grpc-listen": "unix:/g", "--http-listen": "unix:/h" }, ["tls.cert_file"]],
])("warnings for %s", async (_what, flags, settings) => {
  expect(configWarnings(await load(flags)).map(({ setting }) => setting)).toEqual(settings);
});

test("the age of connections has its settings", async () => {
  expect((await load({})).limits).toMatchObject({
    maxConnectionAgeMs: 1_800_000,
    maxConnectionAgeGraceMs: 30_000,
  });
  const limits = { "--limits-max-connection-age": "5m", "--limits-max-connection-age-grace": "10s" };
  expect((await load(limits)).limits).toMatchObject({
    maxConnectionAgeMs: 300_000,
    maxConnectionAgeGraceMs: 10_000,
  });
});

describe("config check looks into the files", () => {
  const check = (cert: string, key: string) =>
    cli(["config", "check", "--tls-cert-file", cert, "--tls-key-file", key], { environment: VALID });

  test("a pair that fits is fine", async () => {
    const { certFile, keyFile } = await (await createAuthority()).issue("server", "DNS:localhost");
    expect((await check(certFile, keyFile)).exitCode).toBe(0);
  });

  test("a pair that does not fit, and a file that is not there, are told", async () => {
    const authority = await createAuthority();
    const one = await authority.issue("one", "DNS:one");
    const other = await authority.issue("other", "DNS:other");
    const foreign = await check(one.certFile, other.keyFile);
    expect(foreign.exitCode).not.toBe(0);
    expect(foreign.stderr).toContain("tls.key_file");
    expect(foreign.stderr).toContain("is not the key of the first certificate");
    const gone = await check(one.certFile, `${one.keyFile}.gone`);
    expect(gone.exitCode).not.toBe(0);
    expect(gone.stderr).toContain("cannot be read");
    await copyFile(one.keyFile, other.certFile);
    expect((await check(other.certFile, other.keyFile)).stderr).toContain("no certificate in PEM");
  });
});
