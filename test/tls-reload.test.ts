import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { TlsFilesError } from "../src/config/tls-identity.ts";
import type { TlsReload } from "../src/server/tls/tls-credentials.ts";
import { WATCH_INTERVAL_MS } from "../src/watched-files.ts";
import { ManualTimer } from "./fixtures/manual-timer.ts";
import {
  callOver,
  GRPC_HEADERS,
  grpcRequest,
  openCredentials,
  openSession,
  shake,
  tlsConfig,
} from "./fixtures/tls-rig.ts";
import { createAuthority, type Issued } from "./nats-certificates.ts";
import { echo, Rig, signalled } from "./server-rig.ts";

const NAMES = "DNS:localhost,IP:127.0.0.1";
const MINUTE = 60_000;

/** Listeners whose certificate files can be exchanged, on a clock of the test's own. */
async function renewable({ mutual = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "tls-reload-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = (name: string) => join(folder, name);
  const names = { certFile: path("tls.crt"), keyFile: path("tls.key") };
  const authority = await createAuthority();
  const [first, second] = [await authority.issue("first", NAMES), await authority.issue("second", NAMES)];
  const put = async (cert: Issued, key = cert) => {
    await copyFile(cert.certFile, names.certFile);
    await copyFile(key.keyFile, names.keyFile);
  };
  await put(first);
  const clientCaFile = path("clients.pem");
  await copyFile(authority.caFile, clientCaFile);
  const clock = { now: Date.now() };
  const timer = new ManualTimer();
  const config = tlsConfig(mutual ? { ...names, clientCaFile } : names);
  const { credentials, reloads } = await openCredentials(config, { timer, now: () => clock.now });
  const rig = await Rig.start({ tls: credentials });
  onTestFinished(() => rig[Symbol.asyncDispose]());
  const shown = async (address: string) => {
    const socket = await shake(address, { ca: authority.ca });
    return socket.getPeerX509Certificate()?.fingerprint256;
  };
  return {
    ...names,
    clientCaFile,
    authority,
    ca: authority.ca,
    first,
    second,
    put,
    clock,
    timer,
    credentials,
    reloads,
    rig,
    shown,
  };
}

const printOf = ({ cert }: Issued) => new X509Certificate(cert).fingerprint256;
const reasons = (reloads: readonly TlsReload[]) =>
  reloads.map((reload) => (reload.ok ? "ok" : (reload.error as TlsFilesError).reason));

test.each([
  ["gRPC", (rig: Rig) => rig.grpcAddress],
  ["HTTP", (rig: Rig) => rig.httpAddress],
])(
  "on the %s listener a renewed pair is for further connections; a call in progress lives on",
  async (_name, address) => {
    const { rig, ca, first, second, put, timer, reloads, shown } = await renewable();
    const begun = signalled();
    const answer = signalled();
    rig.behaviour.send = async (request) => {
      begun.fire();
      await answer.promise;
      return echo(request);
    };
    const session = openSession(address(rig), { ca });
    const stream = session.request(GRPC_HEADERS);
    const trailers = once(stream.resume().end(grpcRequest()), "trailers");
    await begun.promise;
    expect(await shown(address(rig))).toBe(printOf(first));

    await put(second);
    timer.advance(WATCH_INTERVAL_MS);
    await expect.poll(() => reasons(reloads)).toEqual(["ok"]);
    expect(await shown(address(rig))).toBe(printOf(second));
    answer.fire();
    expect((await trailers)[0]).toMatchObject({ "grpc-status": "0" });
    expect(await callOver(session)).toBe("0");
  },
);

test("a pair that does not fit keeps the old one, is told once, and is used when it does fit", async () => {
  const { rig, first, second, put, credentials, reloads, shown } = await renewable();
  await put(second, first);
  expect(await credentials.reload()).toBe(false);
  expect(await credentials.reload()).toBe(false);
  expect(reasons(reloads)).toEqual(["KEY_FOREIGN"]);
  expect(String((reloads[0] as { error: Error }).error.message)).toContain("tls.key");
  expect(await shown(rig.grpcAddress)).toBe(printOf(first));
  await put(second);
  expect(await credentials.reload()).toBe(true);
  expect(await shown(rig.httpAddress)).toBe(printOf(second));
  expect(credentials.reloads).toEqual({ ok: 1, failed: 1 });
});

test("files that are gone or hold nonsense keep the old certificate", async () => {
  const { rig, certFile, keyFile, first, credentials, reloads, shown } = await renewable();
  await writeFile(certFile, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  expect(await credentials.reload()).toBe(false);
  await rm(keyFile);
  expect(await credentials.reload()).toBe(false);
  expect(reasons(reloads)).toEqual(["CERTIFICATE_MALFORMED", "FILE_UNREADABLE"]);
  expect(await shown(rig.grpcAddress)).toBe(printOf(first));
});

test("a certificate that has expired is not taken", async () => {
  const { rig, first, second, put, clock, credentials, reloads, shown } = await renewable();
  clock.now = credentials.expiresAt + MINUTE;
  await put(second);
  expect(await credentials.reload()).toBe(false);
  expect(reasons(reloads)).toEqual(["CERTIFICATE_EXPIRED"]);
  expect(await shown(rig.grpcAddress)).toBe(printOf(first));
});

test("a certificate that is not valid yet is used by itself once it is", async () => {
  const { rig, second, put, clock, timer, credentials, reloads, shown } = await renewable();
  clock.now -= 10 * MINUTE;
  await put(second);
  expect(await credentials.reload()).toBe(false);
  expect(reasons(reloads)).toEqual(["CERTIFICATE_NOT_YET_VALID"]);
  clock.now += 10 * MINUTE;
  timer.advance(11 * MINUTE);
  await expect.poll(() => reasons(reloads)).toEqual(["CERTIFICATE_NOT_YET_VALID", "ok"]);
  expect(await shown(rig.grpcAddress)).toBe(printOf(second));
});

test("clients of an authority that is taken out get in no more, not even by resuming", async () => {
  const { rig, ca, authority, clientCaFile, credentials } = await renewable({ mutual: true });
  const shop = await authority.issue("shop", "DNS:shop");
  const options = { ca, cert: shop.cert, key: shop.key, ALPNProtocols: ["h2"] };
  const socket = await shake(rig.grpcAddress, options);
  const [ticket] = (await once(socket, "session")) as [Buffer];
  await copyFile((await createAuthority()).caFile, clientCaFile);
  expect(await credentials.reload()).toBe(true);
  await expect(callOver(openSession(rig.grpcAddress, { ...options, session: ticket }))).rejects.toThrow();
  expect(rig.reports).toEqual([]);
});
