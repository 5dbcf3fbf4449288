import { expect, onTestFinished, test } from "vitest";
import { openCredentials, shake, tlsConfig } from "./fixtures/tls-rig.ts";
import { readToEnd, startWebhookTarget } from "./fixtures/webhook-target.ts";
import { createAuthority } from "./nats-certificates.ts";

async function webhookRig(options: Parameters<typeof startWebhookTarget>[0] = {}) {
  const authority = await createAuthority();
  const issued = await authority.issue("server", "DNS:localhost");
  const config = tlsConfig({ ...issued, clientCaFile: authority.caFile }, { clientAuth: "optional" });
  const { credentials } = await openCredentials(config);
  const target = await startWebhookTarget({ tls: credentials, ...options });
  onTestFinished(() => target[Symbol.asyncDispose]());
  return { target, authority };
}

test("a route cannot ask for certificates of a listener that asks for none", async () => {
  const require = { delivery: ["mtls"], seen: [], inbound: [], click: [] } as const;
  const security = { basic: undefined, hmac: undefined, allowIps: [], trustedProxies: [], require };
  await expect(startWebhookTarget({ security })).rejects.toThrow("webhook.delivery.require names mtls");
});

test("stops at once though handshakes are under way and connections are idle", async () => {
  const { target, authority } = await webhookRig({ limits: { handshakeTimeoutMs: 1_000_000 } });
  const idle = await shake(`127.0.0.1:${target.port}`, { ca: authority.ca });
  const stalled = await target.dial();
  // The stalled one was accepted before this one, whose handshake is done.
  await shake(`127.0.0.1:${target.port}`, { ca: authority.ca });
  await target.listener.stop(1_000_000);
  await Promise.all([readToEnd(idle), readToEnd(stalled)]);
});
