import { once } from "node:events";
import { request } from "node:https";
import { expect, onTestFinished, test } from "vitest";
import { openCredentials, shake, tlsConfig } from "./fixtures/tls-rig.ts";
import { bodyOf, deliveryReport, readToEnd, SECRET, startWebhookTarget } from "./fixtures/webhook-target.ts";
import { createAuthority, type Issued } from "./nats-certificates.ts";

/** A listener whose delivery route asks for a certificate, and whose seen route asks for the secret. */
async function startTarget() {
  const authority = await createAuthority();
  const issued = await authority.issue("hooks", "DNS:localhost,IP:127.0.0.1");
  const config = tlsConfig({ ...issued, clientCaFile: authority.caFile }, { clientAuth: "optional" });
  const { credentials } = await openCredentials(config);
  const target = await startWebhookTarget({
    tls: credentials,
    limits: { handshakeTimeoutMs: 500 },
    security: {
      require: { delivery: ["mtls"], seen: ["secret"], inbound: ["secret"], click: ["secret"] },
      basic: undefined,
      hmac: undefined,
      allowIps: [],
      trustedProxies: [],
      mtls: true,
    },
  });
  onTestFinished(() => target[Symbol.asyncDispose]());
  const post = async (path: string, shown?: Issued): Promise<number> => {
    const outgoing = request({
      ...{ host: "127.0.0.1", port: target.port, ca: authority.ca, method: "POST", path, agent: false },
      ...(shown && { cert: shown.cert, key: shown.key }),
    });
    outgoing.end(bodyOf(deliveryReport()));
    const [response] = await once(outgoing, "response");
    response.resume();
    return response.statusCode;
  };
  return { target, authority, post };
}

test("a route that asks for mtls takes those whose certificate the authority has signed, and nobody else", async () => {
  const { target, authority, post } = await startTarget();
  const infobip = await authority.issue("infobip", "DNS:infobip");
  const stranger = await (await createAuthority()).issue("stranger", "DNS:infobip");
  expect(await post("/v1/delivery", infobip)).toBe(200);
  expect(await post("/v1/delivery")).toBe(401);
  await expect(post("/v1/delivery", stranger)).rejects.toThrow();
  expect(target.outcomes.map(({ reason }) => reason)).toEqual([undefined, "CERTIFICATE_MISSING"]);
  expect(target.events()).toHaveLength(1);
});

test("routes that do not ask for it go without, over TLS", async () => {
  const { post } = await startTarget();
  expect(await post(`/v1/seen/${SECRET}`)).toBe(200);
  expect(await post("/v1/seen/wrong-secret-0123456789")).toBe(404);
});

test("the listener speaks HTTP/1.1 over TLS and nothing else, and cuts handshakes that stall", async () => {
  const { target, authority } = await startTarget();
  const both = { ca: authority.ca, ALPNProtocols: ["h2", "http/1.1"] };
  expect((await shake(`127.0.0.1:${target.port}`, both)).alpnProtocol).toBe("http/1.1");
  const [plain, stalled] = [await target.dial(), await target.dial()];
  plain.write("POST /v1/delivery HTTP/1.1\r\nhost: x\r\n\r\n");
  expect(await readToEnd(plain)).not.toContain("HTTP/1.1");
  expect(await readToEnd(stalled)).toBe("");
});
