import { beforeAll, expect, test } from "vitest";
import { tlsFileProblems } from "../src/config/tls-files.ts";
import { TlsFilesError, tlsIdentity, tlsPaths } from "../src/config/tls-identity.ts";
import { selfSignedCertificate } from "./fixtures/self-signed-certificate.ts";
import { tlsConfig } from "./fixtures/tls-rig.ts";

const NOW = Date.parse("2026-06-01T00:00:00Z");
/** The last second of the fixture's certificates. */
const END = Date.parse("2049-12-31T23:59:59Z");
const BEGIN = Date.parse("2025-01-01T00:00:00Z");
const NAMES = { certFile: "/s/tls.crt", keyFile: "/s/tls.key", clientCaFile: "/s/ca.crt" };
const CONFIG = tlsConfig(NAMES);

let good: { cert: string; key: string };
let other: { cert: string; key: string };
beforeAll(() => {
  good = selfSignedCertificate();
  other = selfSignedCertificate();
});

function read(contents: readonly string[], now = NOW) {
  return tlsIdentity(
    CONFIG,
    contents.map((text) => Buffer.from(text)),
    now,
  );
}

function refusal(contents: readonly string[], now?: number): TlsFilesError {
  try {
    read(contents, now);
  } catch (error) {
    if (error instanceof TlsFilesError) return error;
    throw error;
  }
  throw new Error("the files were not refused");
}

test("files that fit each other are used; the chain and several authorities count", () => {
  const { expiresAt, clientCa } = read([`${good.cert}${other.cert}`, good.key, other.cert + good.cert]);
  expect(expiresAt).toBe(END);
  expect(clientCa?.toString()).toBe(other.cert + good.cert);
});

test.each([
  ["no certificate", () => ["nothing", good.key, other.cert], "CERTIFICATE_MALFORMED", "cert"],
  ["an empty file", () => ["", good.key, other.cert], "CERTIFICATE_MALFORMED", "cert"],
  ["half a certificate", () => [cut(good.cert), good.key, other.cert], "CERTIFICATE_MALFORMED", "cert"],
  [
    "a broken chain",
    () => [good.cert + cut(other.cert), good.key, other.cert],
    "CERTIFICATE_MALFORMED",
    "cert",
  ],
  ["no key", () => [good.cert, "nothing", other.cert], "KEY_MALFORMED", "key"],
  ["the key of another", () => [good.cert, other.key, other.cert], "KEY_FOREIGN", "key"],
  ["no authority", () => [good.cert, good.key, "nothing"], "CLIENT_CA_MALFORMED", "clientCa"],
  [
    "a broken authority",
    () => [good.cert, good.key, good.cert + cut(other.cert)],
    "CLIENT_CA_MALFORMED",
    "clientCa",
  ],
] as const)("%s is refused by name, without its contents", (_what, contents, reason, part) => {
  const error = refusal(contents());
  expect(error).toMatchObject({ reason, part });
  expect(error.message).toContain({ cert: "/s/tls.crt", key: "/s/tls.key", clientCa: "/s/ca.crt" }[part]);
  for (const text of contents()) expect(error.message).not.toContain(text.slice(40, 80) || "BEGIN");
});

/** A certificate that lacks some of its bytes. */
function cut(pem: string): string {
  const lines = pem.trim().split("\n");
  return [...lines.slice(0, 3), ...lines.slice(4)].join("\n");
}

test("a certificate is used in its time only", () => {
  const contents = [good.cert, good.key, other.cert];
  expect(read(contents, END - 1).expiresAt).toBe(END);
  expect(refusal(contents, END)).toMatchObject({ reason: "CERTIFICATE_EXPIRED" });
  expect(read(contents, BEGIN).expiresAt).toBe(END);
  expect(refusal(contents, BEGIN - 1)).toMatchObject({
    reason: "CERTIFICATE_NOT_YET_VALID",
    validFrom: BEGIN,
  });
});

test("config check names the setting, for each listener", async () => {
  const webhook = tlsConfig(
    { certFile: "/w/tls.crt", keyFile: "/w/tls.key" },
    {
      settings: {
        cert: "webhook.tls_cert_file",
        key: "webhook.tls_key_file",
        clientCa: "webhook.tls_client_ca_file",
      },
    },
  );
  const files = new Map([
    ["/s/tls.crt", good.cert],
    ["/s/tls.key", other.key],
    ["/s/ca.crt", other.cert],
    ["/w/tls.crt", good.cert],
  ]);
  const readText = async (path: string): Promise<string> => {
    const text = files.get(path);
    if (text === undefined) throw new Error("no such file");
    return text;
  };
  const config = { tls: CONFIG, webhook: { tls: webhook } } as Parameters<typeof tlsFileProblems>[0];
  const problems = await tlsFileProblems(config, readText, NOW);
  expect(problems).toEqual([
    {
      setting: "tls.key_file",
      origin: "/s/tls.key",
      message: "/s/tls.key is not the key of the first certificate in /s/tls.crt",
    },
    {
      setting: "webhook.tls_key_file",
      origin: "/w/tls.key",
      message: "its file cannot be read: no such file",
    },
  ]);
  files.set("/s/tls.key", good.key).set("/w/tls.key", good.key);
  expect(await tlsFileProblems(config, readText, NOW)).toEqual([]);
  const late = await tlsFileProblems(config, readText, END);
  expect(late.map(({ setting }) => setting)).toEqual(["tls.cert_file", "webhook.tls_cert_file"]);
});

test("the files are named in the order of their contents", () => {
  expect(tlsPaths(CONFIG)).toEqual(["/s/tls.crt", "/s/tls.key", "/s/ca.crt"]);
  expect(tlsPaths(tlsConfig({ certFile: "c", keyFile: "k" }))).toEqual(["c", "k"]);
});
