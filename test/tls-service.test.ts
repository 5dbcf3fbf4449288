import { X509Certificate } from "node:crypto";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startServe } from "./fixtures/serve-process.ts";
import { callOver, openSession, shake } from "./fixtures/tls-rig.ts";
import { createAuthority, type Issued } from "./nats-certificates.ts";

/** A folder for the data and the certificate files of one process. */
async function prepare() {
  const folder = await mkdtemp(join(tmpdir(), "tls-service-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const authority = await createAuthority();
  const names = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key") };
  const put = async (cert: Issued, key = cert) => {
    await copyFile(cert.certFile, names.cert);
    await copyFile(key.keyFile, names.key);
  };
  const flags = {
    "--upstream-base-url": "http://127.0.0.1:9",
    "--upstream-api-key": "none",
    "--webhook-secret": "secret-0123456789",
    "--data-dir": join(folder, "data"),
    "--log-format": "json",
    "--tls-cert-file": names.cert,
    "--tls-key-file": names.key,
    "--webhook-tls-cert-file": names.cert,
    "--webhook-tls-key-file": names.key,
  };
  const issue = (name: string) => authority.issue(name, "DNS:localhost,IP:127.0.0.1");
  return { ca: authority.ca, put, flags, issue };
}

const WATCH_EVERYTHING = /^infobip_rpc_tls_reloads_total\{.*\} \d+$/gm;

test("a service speaks TLS on all listeners, takes renewed files on SIGHUP and tells of bad ones", async () => {
  const { ca, put, flags, issue } = await prepare();
  const [first, second] = [await issue("first"), await issue("second")];
  await put(first);
  const serve = await startServe({ flags });
  onTestFinished(() => void serve.child.kill("SIGKILL"));
  const { grpc = "", http = "", webhook = "", admin = "" } = serve.ready ?? {};
  const shown = async (address: string) =>
    (await shake(address, { ca })).getPeerX509Certificate()?.fingerprint256;
  const printOf = ({ cert }: Issued) => new X509Certificate(cert).fingerprint256;
  for (const address of [grpc, http, webhook]) expect(await shown(address)).toBe(printOf(first));
  const open = openSession(grpc, { ca });
  await callOver(open);
  const told = (text: string) =>
    serve
      .logLines()
      .filter(({ msg }) => msg === text)
      .map(({ component, reason }) => `${component} ${reason ?? ""}`.trim());

  await put(second, first);
  serve.child.kill("SIGHUP");
  const bad = "the TLS files cannot be used; the certificate in use stays";
  await expect
    .poll(() => told(bad).sort(), { timeout: 5_000 })
    .toEqual(["api KEY_FOREIGN", "webhook KEY_FOREIGN"]);
  expect(await shown(http)).toBe(printOf(first));

  await put(second);
  serve.child.kill("SIGHUP");
  const good = "the TLS files have changed; further connections use them";
  await expect.poll(() => told(good).sort(), { timeout: 5_000 }).toEqual(["api", "webhook"]);
  for (const address of [grpc, http, webhook]) expect(await shown(address)).toBe(printOf(second));
  await callOver(open);
  const metrics = await (await fetch(`http://${admin}/metrics`)).text();
  const counted = [...metrics.matchAll(WATCH_EVERYTHING)].map(([line]) => line);
  expect(counted).toHaveLength(6);
  for (const line of counted) expect(line).toMatch(/ 1$/);
  expect(metrics).toMatch(
    /^infobip_rpc_tls_certificate_expiry_seconds\{.*listener="webhook".*\} 1[67]\d{4}/m,
  );
  expect(await serve.stop()).toBe(0);
});

test("a service does not start with files that cannot be used", async () => {
  const { put, flags, issue } = await prepare();
  await put(await issue("one"), await issue("other"));
  const serve = await startServe({ flags });
  expect(serve.ready).toBeUndefined();
  expect((await serve.exited)[0]).not.toBe(0);
  expect(serve.stderr()).toContain("TLS_FILES_UNUSABLE");
  expect(serve.stderr()).toContain("is not the key of the first certificate");
});
