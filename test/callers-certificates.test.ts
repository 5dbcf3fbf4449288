import { expect, test } from "vitest";
import { startCallersRig } from "./callers-rig.ts";
import { callOver, openSession } from "./fixtures/tls-rig.ts";
import { createAuthority } from "./nats-certificates.ts";

const OK = "0";
const UNAUTHENTICATED = "16";
const PERMISSION_DENIED = "7";
const NO_TOKENS = { token_sha256: undefined };
const CALLERS = [
  { name: "till", scopes: ["send"], certificates: ["spiffe://example.org/shop/*"], ...NO_TOKENS },
  { name: "desk", scopes: ["events"], certificates: ["dns:desk.example.org"], ...NO_TOKENS },
];

test.each(["grpc", "http"] as const)("a client certificate names the caller, over %s", async (listener) => {
  const authority = await createAuthority();
  const server = await authority.issue("server", "DNS:localhost,IP:127.0.0.1");
  await using rig = await startCallersRig(CALLERS, {
    flags: {
      "--tls-cert-file": server.certFile,
      "--tls-key-file": server.keyFile,
      "--tls-client-ca-file": authority.caFile,
    },
  });
  const statusFor = async (name: string, names: string): Promise<string> => {
    const { cert, key } = await authority.issue(name, names);
    return callOver(openSession(rig.addresses[listener], { ca: authority.ca, cert, key }));
  };
  expect(await statusFor("till", "URI:spiffe://example.org/shop/till-7")).toBe(OK);
  expect(await statusFor("desk", "DNS:desk.example.org")).toBe(PERMISSION_DENIED);
  expect(await statusFor("other", "URI:spiffe://example.org/shopping/till-7")).toBe(UNAUTHENTICATED);
  expect(await statusFor("nobody", "DNS:till.example.org")).toBe(UNAUTHENTICATED);
});
