import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Entry, startCallersRig, tokenFor } from "./callers-rig.ts";
import { cli, jsonLines } from "./cli-harness.ts";
import { createAuthority } from "./nats-certificates.ts";

const SMS = ["--channel", "sms", "--to", "385910000001", "--from", "Shop", "--text", "hello"];
const CALLERS: Entry[] = [{ name: "shop", scopes: ["send", "submit", "events"] }];

/** A service that speaks TLS and knows one caller; `token` and `ca` are the flags of those who may. */
async function startSecure({ mutual = false } = {}) {
  const authority = await createAuthority();
  const server = await authority.issue("server", "DNS:localhost,IP:127.0.0.1");
  const rig = await startCallersRig(CALLERS, {
    flags: {
      "--tls-cert-file": server.certFile,
      "--tls-key-file": server.keyFile,
      ...(mutual && { "--tls-client-ca-file": authority.caFile }),
    },
  });
  onTestFinished(() => rig[Symbol.asyncDispose]());
  const tokenFile = join(dirname(authority.caFile), "token");
  await writeFile(tokenFile, `${tokenFor("shop")}\n`, { mode: 0o600 });
  return {
    rig,
    authority,
    tokenFile,
    target: ["--target", rig.addresses.grpc],
    ca: ["--tls-ca", authority.caFile],
    token: ["--token-file", tokenFile],
  };
}

test("send --watch works over TLS with a token, and so do the other commands that call a service", async () => {
  const { target, ca, token } = await startSecure();
  const access = [...target, ...ca, ...token];
  const sent = await cli(["send", ...access, ...SMS, "--watch", "--json"]);
  expect(sent.stderr).toBe("");
  expect(sent.exitCode).toBe(0);
  expect(sent.stdout).toContain("DELIVERED");
  const listed = await cli(["events", ...access, "--json"]);
  const event = jsonLines(listed.stdout).find((line) => "messageId" in line);
  expect(listed.exitCode).toBe(0);
  expect((await cli(["message", ...access, String(event?.messageId)])).exitCode).toBe(0);
  const submitted = await cli(["submit", ...access, ...SMS, "--request-id", "order-1", "--json"]);
  expect([submitted.exitCode, submitted.stderr]).toEqual([0, ""]);
  expect((await cli(["submission", "list", ...access])).exitCode).toBe(0);
  const watching = new AbortController();
  const watched = await cli(["watch", ...access, "--from", "earliest", "--json"], {
    signal: watching.signal,
    onLine: () => watching.abort(),
  });
  expect(watched.stdout).not.toBe("");
});

test("token and authority come from the environment too", async () => {
  const { target, ca, tokenFile, authority } = await startSecure();
  const send = (environment: Record<string, string>) =>
    cli(["send", ...target, ...ca, ...SMS], { environment });
  expect((await send({ INFOBIP_RPC_TOKEN_FILE: tokenFile })).exitCode).toBe(0);
  expect((await send({ INFOBIP_RPC_TOKEN: tokenFor("shop") })).exitCode).toBe(0);
  const environment = { INFOBIP_RPC_TOKEN_FILE: tokenFile, INFOBIP_RPC_TLS_CA: authority.caFile };
  expect((await cli(["send", ...target, ...SMS], { environment })).exitCode).toBe(0);
  const without = await send({});
  expect(without.exitCode).not.toBe(0);
  expect(without.stderr).toContain("CREDENTIALS_MISSING");
});

test("a service that another authority has signed is not talked to", async () => {
  const { target, token } = await startSecure();
  const { caFile } = await createAuthority();
  const { exitCode, stdout, stderr } = await cli(["send", ...target, "--tls-ca", caFile, ...token, ...SMS]);
  expect(exitCode).not.toBe(0);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/certificate/);
});

test("a client certificate is shown where one is asked for", async () => {
  const { authority, target, ca, token } = await startSecure({ mutual: true });
  const shop = await authority.issue("shop", "DNS:shop");
  const access = [...target, ...ca, ...token];
  expect((await cli(["send", ...access, ...SMS])).exitCode).not.toBe(0);
  const pair = ["--tls-cert", shop.certFile, "--tls-key", shop.keyFile];
  expect((await cli(["send", ...access, ...pair, ...SMS])).exitCode).toBe(0);
});

test("a token goes to another machine only over TLS, or where it is said that it may be read", async () => {
  const environment = { INFOBIP_RPC_TOKEN: tokenFor("shop") };
  // An address of RFC 5737, where nobody answers.
  for (const target of [
    "192.0.2.1:50051",
    "gateway:50051",
    "dns:///gateway:50051",
    "[2001:db8::1]:50051",
    "127.0.0.1.example.org:1",
    "127.0.0.1:1,example.org:1",
  ]) {
    const { exitCode, stderr } = await cli(["send", "--target", target, ...SMS], { environment });
    expect([target, exitCode]).toEqual([target, 2]);
    expect(stderr).toContain("in the clear");
    expect(stderr).not.toContain(tokenFor("shop"));
  }
});

test.each([
  ["a certificate without its key", ["--tls-cert", "/none.crt"], "--tls-cert needs --tls-key"],
  ["a key without its certificate", ["--tls-key", "/none.key"], "--tls-key needs --tls-cert"],
  ["an authority that is not there", ["--tls-ca", "/none/ca.crt"], "--tls-ca: /none/ca.crt cannot be read"],
  [
    "a token file that is not there",
    ["--token-file", "/none/token"],
    "--token-file: /none/token cannot be read",
  ],
])("%s is a mistake of the command line", async (_what, flags, text) => {
  const { exitCode, stderr } = await cli(["send", "--target", "127.0.0.1:1", ...flags, ...SMS]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(text);
});
