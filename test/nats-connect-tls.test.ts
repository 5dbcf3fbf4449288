import { expect, it, onTestFinished } from "vitest";
import { connectNats } from "../src/nats/connect-nats.ts";
import type { NatsTls } from "../src/nats/nats-options.ts";
import { Secret } from "../src/secret.ts";
import { createAuthority, type Issued } from "./nats-certificates.ts";
import { natsOptions, openLink, QUICK, reconnected, rejection } from "./nats-rig.ts";
import { describeNats, type NatsServer, startNatsServer } from "./nats-server.ts";

describeNats("TLS to NATS", () => {
  it("checks the server's certificate against its address, and connects again the same way", async () => {
    const authority = await createAuthority();
    const server = await start(await authority.issue("server", "IP:127.0.0.1,DNS:localhost"));
    for (const host of ["127.0.0.1", "localhost"]) {
      const link = await openLink(secureUrl(server, host), { tls: { ca: authority.ca } });
      expect(link.connection.info?.tls_required).toBe(true);
      const back = reconnected(link);
      await server.restart();
      await back;
      await link.connection.flush();
    }
  });

  it("uses TLS without a setting when the server demands it", async () => {
    const authority = await createAuthority();
    const server = await start(await authority.issue("server", "IP:127.0.0.1"));
    const error = await failure(server.url, undefined);
    expect(error.message).toMatch(/certificate/);
  });

  it("refuses a certificate of an unknown authority", async () => {
    const [authority, other] = [await createAuthority(), await createAuthority()];
    const server = await start(await authority.issue("server", "IP:127.0.0.1"));
    await failure(secureUrl(server), { ca: other.ca });
    await failure(secureUrl(server), undefined);
  });

  it.each(["DNS:localhost", "IP:127.0.0.2"])(
    "refuses a certificate for %s on another address",
    async (subject) => {
      const authority = await createAuthority();
      const server = await start(await authority.issue("server", subject));
      const error = await failure(secureUrl(server), { ca: authority.ca });
      expect(error.message).toMatch(/IP: 127\.0\.0\.1 is not in the cert's list/);
    },
  );

  it("shows its own certificate to a server that asks for one", async () => {
    const authority = await createAuthority();
    const server = await start(
      await authority.issue("server", "IP:127.0.0.1"),
      `, ca_file: "${authority.caFile}", verify: true`,
    );
    const { cert, key } = await authority.issue("client", "DNS:client");
    const link = await openLink(secureUrl(server), { tls: { ca: authority.ca, cert, key: new Secret(key) } });
    await link.connection.flush();
    const error = await rejection(
      connectNats(
        natsOptions(secureUrl(server), { tls: { ca: authority.ca }, connectTimeoutMs: 300 }),
        QUICK,
      ),
    );
    expect(error.name).toBe("NatsConnectError");
  });

  it("tells of a key that is not the certificate's", async () => {
    const authority = await createAuthority();
    const server = await start(await authority.issue("server", "IP:127.0.0.1"));
    const { cert } = await authority.issue("client", "DNS:client");
    const { key } = await authority.issue("other", "DNS:client");
    const error = await failure(secureUrl(server), { ca: authority.ca, cert, key: new Secret(key) });
    expect(error.message).toMatch(/check .* the CA, certificate and key/);
  });

  it("never goes on in the clear when TLS was asked for", async () => {
    const server = await startNatsServer();
    onTestFinished(() => server[Symbol.asyncDispose]());
    await failure(secureUrl(server), undefined);
    await failure(server.url, {});
  });
});

async function start(issued: Issued, more = ""): Promise<NatsServer> {
  const server = await startNatsServer({
    config: `tls { cert_file: "${issued.certFile}", key_file: "${issued.keyFile}"${more} }`,
  });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

function secureUrl(server: NatsServer, host = "127.0.0.1"): string {
  return `tls://${host}:${new URL(server.url).port}`;
}

async function failure(url: string, tls: NatsTls | undefined): Promise<Error> {
  const error = await rejection(connectNats(natsOptions(url, { tls }), QUICK));
  expect(error).toMatchObject({ name: "NatsConnectError", reason: "TLS_FAILED" });
  expect(error.message).toMatch(/check that the server offers TLS/);
  return error;
}
