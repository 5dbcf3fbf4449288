import { once } from "node:events";
import { request } from "node:https";
import type { TLSSocket } from "node:tls";
import { toJsonString } from "@bufbuild/protobuf";
import { describe, expect, onTestFinished, test } from "vitest";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import type { PeerIdentity } from "../src/rpc/caller.ts";
import { readSubjectAltNames } from "../src/server/peer-identity.ts";
import { callOver, openCredentials, openSession, SEND, shake, tlsConfig } from "./fixtures/tls-rig.ts";
import { type Authority, createAuthority, type Issued } from "./nats-certificates.ts";
import { echo, Rig, validRequest } from "./server-rig.ts";

const SHOP = "URI:spiffe://example.org/shop,DNS:Shop.Example.org,DNS:shop,IP:127.0.0.1";
const SHOP_IDENTITY: PeerIdentity = {
  uris: ["spiffe://example.org/shop"],
  dnsNames: ["shop.example.org", "shop"],
};

interface MutualRig {
  readonly rig: Rig;
  readonly ca: string;
  readonly authority: Authority;
  readonly shop: Issued;
  readonly identities: (PeerIdentity | undefined)[];
}

async function mutualRig(clientAuth: "optional" | "required"): Promise<MutualRig> {
  const authority = await createAuthority();
  const issued = await authority.issue("server", "DNS:localhost,IP:127.0.0.1");
  const config = tlsConfig({ ...issued, clientCaFile: authority.caFile }, { clientAuth });
  const { credentials } = await openCredentials(config);
  const rig = await Rig.start({ tls: credentials });
  onTestFinished(() => rig[Symbol.asyncDispose]());
  const identities: (PeerIdentity | undefined)[] = [];
  rig.behaviour.send = (message, { peerIdentity }) => {
    identities.push(peerIdentity);
    return echo(message);
  };
  return { rig, ca: authority.ca, authority, shop: await authority.issue("shop", SHOP), identities };
}

const LISTENERS: [string, (rig: Rig) => string][] = [
  ["gRPC", (rig) => rig.grpcAddress],
  ["HTTP", (rig) => rig.httpAddress],
];

describe.each(LISTENERS)("the %s listener", (_name, addressOf) => {
  test("tells calls whose certificate the client has shown, the same for all of a connection", async () => {
    const { rig, ca, shop, identities } = await mutualRig("required");
    const session = openSession(addressOf(rig), { ca, cert: shop.cert, key: shop.key });
    expect(await callOver(session)).toBe("0");
    expect(await callOver(session)).toBe("0");
    expect(identities).toEqual([SHOP_IDENTITY, SHOP_IDENTITY]);
    expect(identities[0]).toBe(identities[1]);
  });

  test("refuses clients without a certificate, or with one of another authority, when one is required", async () => {
    const { rig, ca, identities } = await mutualRig("required");
    const stranger = await (await createAuthority()).issue("stranger", SHOP);
    await expect(callOver(openSession(addressOf(rig), { ca }))).rejects.toThrow();
    const shown = { ca, cert: stranger.cert, key: stranger.key };
    await expect(callOver(openSession(addressOf(rig), shown))).rejects.toThrow();
    expect(identities).toEqual([]);
  });

  test("lets clients without a certificate in when it is optional, but not those with a bad one", async () => {
    const { rig, ca, shop, identities } = await mutualRig("optional");
    const stranger = await (await createAuthority()).issue("stranger", SHOP);
    expect(await callOver(openSession(addressOf(rig), { ca }))).toBe("0");
    expect(await callOver(openSession(addressOf(rig), { ca, cert: shop.cert, key: shop.key }))).toBe("0");
    const shown = { ca, cert: stranger.cert, key: stranger.key };
    await expect(callOver(openSession(addressOf(rig), shown))).rejects.toThrow();
    expect(identities).toEqual([undefined, SHOP_IDENTITY]);
  });

  test("knows a client that resumes its TLS session", async () => {
    const { rig, ca, shop, identities } = await mutualRig("required");
    const options = { ca, cert: shop.cert, key: shop.key, ALPNProtocols: ["h2"] };
    const first = await shake(addressOf(rig), options);
    const [ticket] = (await once(first, "session")) as [Buffer];
    const resumed = await shake(addressOf(rig), { ...options, session: ticket });
    expect(resumed.isSessionReused()).toBe(true);
    const session = openSession(addressOf(rig), { ca, createConnection: () => resumed as TLSSocket });
    expect(await callOver(session)).toBe("0");
    expect(identities).toEqual([SHOP_IDENTITY]);
  });
});

test("HTTP/1.1 calls are told too", async () => {
  const { rig, ca, shop, identities } = await mutualRig("required");
  const [host, port] = rig.httpAddress.split(":");
  const outgoing = request({
    ...{ host, port, ca, cert: shop.cert, key: shop.key, method: "POST", path: SEND, agent: false },
    headers: { "content-type": "application/json" },
  });
  outgoing.end(toJsonString(SendMessagesRequestSchema, validRequest()));
  const [response] = await once(outgoing, "response");
  expect(response.statusCode).toBe(200);
  response.resume();
  expect(identities).toEqual([SHOP_IDENTITY]);
});

test("a call over plain TCP has no identity", async () => {
  const rig = await Rig.start();
  onTestFinished(() => rig[Symbol.asyncDispose]());
  const identities: unknown[] = [];
  rig.behaviour.send = (message, { peerIdentity }) => {
    identities.push(peerIdentity);
    return echo(message);
  };
  for (const address of [rig.grpcAddress, rig.httpAddress]) await callOver(openSession(address));
  expect(identities).toEqual([undefined, undefined]);
});

test("a name that holds commas and blanks cannot pretend to be several", async () => {
  const { rig, ca, authority, identities } = await mutualRig("required");
  const sly = await authority.issue(
    "sly",
    "@names\n[names]\nURI.1=https://a/\\, URI:spiffe://example.org/admin",
  );
  const session = openSession(rig.grpcAddress, { ca, cert: sly.cert, key: sly.key });
  expect(await callOver(session)).toBe("0");
  expect(identities).toEqual([{ uris: ["https://a/, URI:spiffe://example.org/admin"], dnsNames: [] }]);
});

test.each([
  ["", { uris: [], dnsNames: [] }],
  ["IP Address:127.0.0.1, DNS:a", { uris: [], dnsNames: ["a"] }],
  ['URI:"spiffe://a/\\"b, DNS:c", DNS:d', { uris: ['spiffe://a/"b, DNS:c'], dnsNames: ["d"] }],
  ["DNS:a, and something that is no name", { uris: [], dnsNames: [] }],
  ['DNS:a, URI:"unfinished', { uris: [], dnsNames: [] }],
])("alternative names %j", (text, expected) => {
  expect(readSubjectAltNames(text)).toEqual(expected);
});
