import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadConfig } from "../src/config/load-config.ts";
import { connectNats } from "../src/nats/connect-nats.ts";
import { sources, VALID } from "./config-sources.ts";
import { selfSignedCertificate } from "./fixtures/self-signed-certificate.ts";
import { describeNats, type NatsServer, startNatsServer } from "./nats-server.ts";

const TIMES = { "--nats-connect-timeout": "2s", "--nats-request-timeout": "1s" };

async function connected(
  flags: Record<string, string>,
  files: Record<string, string> = {},
): Promise<boolean> {
  const config = await loadConfig(sources(VALID, { ...TIMES, ...flags }, files));
  if (config.eventlog.nats === undefined) throw new Error("the log is the embedded one");
  await using link = await connectNats(config.eventlog.nats.options);
  return link.isConnected;
}

describeNats("a connection as it is configured", () => {
  let plain: NatsServer;
  beforeAll(async () => {
    plain = await startNatsServer();
  });
  afterAll(() => plain[Symbol.asyncDispose]());

  test("needs no more than the server", async () => {
    expect(await connected({ "--eventlog-url": `nats://127.0.0.1:1, ${plain.url}` })).toBe(true);
  });

  test("is encrypted or there is none with tls://", async () => {
    const call = connected({ "--eventlog-url": plain.url.replace("nats://", "tls://") });
    await expect(call).rejects.toThrow(/TLS/i);
  });

  test("checks the server's certificate by nats.tls_ca", async () => {
    const folder = await mkdtemp(join(tmpdir(), "infobip-rpc-test-"));
    try {
      const { cert, key } = selfSignedCertificate();
      await writeFile(join(folder, "cert.pem"), cert);
      await writeFile(join(folder, "key.pem"), key, { mode: 0o600 });
      const tls = `tls { cert_file: "${folder}/cert.pem", key_file: "${folder}/key.pem" }`;
      await using server = await startNatsServer({ config: tls });
      const url = { "--eventlog-url": `tls://localhost:${new URL(server.url).port}` };
      expect(await connected({ ...url, "--nats-tls-ca-file": "ca" }, { ca: cert })).toBe(true);
      const other = { ca: selfSignedCertificate().cert };
      await expect(connected({ ...url, "--nats-tls-ca-file": "ca" }, other)).rejects.toThrow(
        /TLS|certificate/i,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
