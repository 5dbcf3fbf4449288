import { once } from "node:events";
import { request } from "node:https";
import { create, fromBinary, toBinary, toJsonString } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { EventsService, WatchEventsRequestSchema } from "../gen/infobip/events/v1/events_service_pb.js";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
  SendMessagesResponseSchema,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import { callOver, openCredentials, openSession, SEND, shake, tlsConfig } from "./fixtures/tls-rig.ts";
import { createAuthority } from "./nats-certificates.ts";
import { Rig, validRequest } from "./server-rig.ts";

async function tlsRig(minVersion: "1.2" | "1.3" = "1.2") {
  const authority = await createAuthority();
  const issued = await authority.issue("server", "DNS:localhost,IP:127.0.0.1");
  const { credentials } = await openCredentials(tlsConfig(issued, { minVersion }));
  const rig = await Rig.start({ tls: credentials });
  onTestFinished(() => rig[Symbol.asyncDispose]());
  return { rig, ca: authority.ca };
}

test("grpc-js calls the gRPC listener over TLS", async () => {
  const { rig, ca } = await tlsRig();
  const target = rig.grpcAddress.replace("127.0.0.1", "localhost");
  const client = new grpc.Client(target, grpc.credentials.createSsl(Buffer.from(ca)));
  onTestFinished(() => client.close());
  const answer = Promise.withResolvers<string>();
  client.makeUnaryRequest(
    SEND,
    (message: SendMessagesRequest) => Buffer.from(toBinary(SendMessagesRequestSchema, message)),
    (bytes) => fromBinary(SendMessagesResponseSchema, bytes),
    validRequest("over TLS"),
    (error, response) => (error ? answer.reject(error) : answer.resolve(response?.bulkId ?? "")),
  );
  expect(await answer.promise).toBe("over TLS");
});

test.each([
  ["gRPC", "2", createGrpcTransport],
  ["gRPC-Web", "1.1", createGrpcWebTransport],
  ["gRPC-Web", "2", createGrpcWebTransport],
  ["Connect", "1.1", createConnectTransport],
  ["Connect", "2", createConnectTransport],
] as const)(
  "%s over HTTP/%s calls and streams on the HTTP listener over TLS",
  async (_name, httpVersion, make) => {
    const { rig, ca } = await tlsRig();
    const transport = (make as typeof createConnectTransport)({
      baseUrl: `https://${rig.httpAddress}`,
      httpVersion,
      nodeOptions: { ca },
    });
    const answer = await createClient(MessagesService, transport).sendMessages(validRequest("over TLS"));
    expect(answer.bulkId).toBe("over TLS");
    const frames = createClient(EventsService, transport).watchEvents(create(WatchEventsRequestSchema, {}));
    for await (const { frame } of frames) expect(frame.case).toBe("started");
  },
);

test("JSON is taken by POST over HTTP/1.1, without ALPN too", async () => {
  const { rig, ca } = await tlsRig();
  const [host, port] = rig.httpAddress.split(":");
  for (const ALPNProtocols of [["http/1.1"], undefined]) {
    const outgoing = request({
      ...{ host, port, ca, method: "POST", path: SEND, agent: false },
      headers: { "content-type": "application/json" },
      ...(ALPNProtocols && { ALPNProtocols }),
    });
    outgoing.end(toJsonString(SendMessagesRequestSchema, validRequest()));
    const [response] = await once(outgoing, "response");
    expect(response.statusCode).toBe(200);
    response.resume();
  }
});

test("a client without TLS gets nothing from a listener with TLS", async () => {
  const { rig } = await tlsRig();
  for (const address of [rig.grpcAddress, rig.httpAddress])
    await expect(callOver(openSession(address))).rejects.toThrow();
  expect(rig.reports).toEqual([]);
});

test("unix sockets stay plain", async () => {
  const { rig } = await tlsRig();
  const client = new grpc.Client(rig.unixAddress, grpc.credentials.createInsecure());
  const connected = Promise.withResolvers<void>();
  client.waitForReady(Date.now() + 5_000, (error) => (error ? connected.reject(error) : connected.resolve()));
  await connected.promise;
  client.close();
});

test("the application protocol is agreed on: HTTP/2 first, and on the gRPC listener nothing else", async () => {
  const { rig, ca } = await tlsRig();
  const all = ["http/1.1", "h2"];
  expect((await shake(rig.grpcAddress, { ca, ALPNProtocols: all })).alpnProtocol).toBe("h2");
  expect((await shake(rig.httpAddress, { ca, ALPNProtocols: all })).alpnProtocol).toBe("h2");
  expect((await shake(rig.httpAddress, { ca, ALPNProtocols: ["http/1.1"] })).alpnProtocol).toBe("http/1.1");
  await expect(shake(rig.grpcAddress, { ca, ALPNProtocols: ["http/1.1"] })).rejects.toThrow();
});

test("TLS 1.2 has forward secrecy and authenticated encryption; older versions are refused", async () => {
  const { rig, ca } = await tlsRig();
  const old = { ca, minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
  await expect(shake(rig.grpcAddress, old)).rejects.toThrow();
  const weak = { ca, maxVersion: "TLSv1.2", ciphers: "AES128-SHA:ECDHE-ECDSA-AES128-SHA" } as const;
  await expect(shake(rig.grpcAddress, weak)).rejects.toThrow();
  const good = await shake(rig.grpcAddress, { ca, maxVersion: "TLSv1.2" });
  expect(good.getCipher().name).toMatch(/^ECDHE-.*(GCM|CHACHA20)/);
});

test("tls.min_version 1.3 refuses TLS 1.2", async () => {
  const { rig, ca } = await tlsRig("1.3");
  await expect(shake(rig.httpAddress, { ca, maxVersion: "TLSv1.2" })).rejects.toThrow();
  expect((await shake(rig.httpAddress, { ca })).getProtocol()).toBe("TLSv1.3");
});
