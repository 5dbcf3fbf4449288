import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../src/client/index.ts";
import { ipTargetTls } from "../src/ip-target.ts";
import { cli } from "./cli-harness.ts";
import { sms } from "./client-rig.ts";
import { openCredentials, tlsConfig } from "./fixtures/tls-rig.ts";
import { createAuthority } from "./nats-certificates.ts";
import { Rig } from "./server-rig.ts";

/** A server with TLS at an IP address, whose certificate is for other names. */
async function serverFor(names: string) {
  const authority = await createAuthority();
  const { credentials } = await openCredentials(tlsConfig(await authority.issue("server", names)));
  const rig = await Rig.start({ tls: credentials });
  const folder = await mkdtemp(join(tmpdir(), "ip-target-"));
  const caFile = join(folder, "ca.crt");
  await writeFile(caFile, authority.ca);
  onTestFinished(async () => {
    await rig[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  return { address: rig.grpcAddress, ca: authority.ca, caFile };
}

async function sendByBoth({ address, ca, caFile }: Awaited<ReturnType<typeof serverFor>>) {
  const words = ["--channel", "sms", "--from", "Shop", "--to", "385910000001", "--text", "x"];
  const { exitCode } = await cli(["send", "--target", address, "--tls-ca", caFile, ...words]);
  const client = createClient({ target: address, tls: { ca } });
  onTestFinished(() => client.close());
  const sent = await client.sendMessages(sms("385910000001")).then(
    () => "sent",
    ({ code }) => code,
  );
  return { exitCode, sent };
}

test("command line and client reach a service by an IP address that its certificate is for", async () => {
  const server = await serverFor("IP:127.0.0.1");
  expect(server.address).toMatch(/^127\.0\.0\.1:/);
  expect(await sendByBoth(server)).toEqual({ exitCode: 0, sent: "sent" });
});

test("a certificate for a name, even the one that is sent, is none for the address", async () => {
  const server = await serverFor("DNS:localhost,DNS:address.invalid,IP:127.0.0.2");
  expect(await sendByBoth(server)).toEqual({ exitCode: 4, sent: "UNAVAILABLE" });
});

test.each(["127.0.0.1:50051", "[::1]:50051", "dns:///10.0.0.1:50051", "dns:10.0.0.1"])(
  "%s is an address",
  (target) => {
    expect(ipTargetTls(target).verify.checkServerIdentity).toBeTypeOf("function");
  },
);

test.each([
  "localhost:50051",
  "dns:///infobip-rpc:50051",
  "unix:/run/grpc.sock",
  "10.example.org:1",
  "999.0.0.1:1",
])("%s is none", (target) => {
  expect(ipTargetTls(target)).toEqual({ verify: {}, channel: {} });
});
