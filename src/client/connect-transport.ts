import type { SecureClientSessionOptions } from "node:http2";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { ClientTls, ConnectClientOptions } from "./client-options.ts";
import type { ClosableTransport } from "./closable-transport.ts";

/** A connection with calls is asked for a sign of life so often, in milliseconds, and given up without an answer. */
const KEEPALIVE = { pingIntervalMs: 30_000, pingTimeoutMs: 10_000 };

/** Carries calls over the Connect protocol and HTTP/2. Connects at the first call. */
export function connectTransport(options: ConnectClientOptions, maxReceiveBytes: number): ClosableTransport {
  const sessionManager = new Http2SessionManager(options.baseUrl, KEEPALIVE, sessionOptions(options.tls));
  const transport = createConnectTransport({
    baseUrl: options.baseUrl,
    httpVersion: "2",
    readMaxBytes: maxReceiveBytes,
    sessionManager,
  });
  return { unary: transport.unary, stream: transport.stream, close: () => sessionManager.abort() };
}

function sessionOptions(tls: ClientTls | undefined): SecureClientSessionOptions {
  if (tls === undefined) return {};
  const { ca, cert, key, serverName } = tls;
  return {
    ...(ca === undefined ? {} : { ca: textOf(ca) }),
    ...(cert === undefined ? {} : { cert: textOf(cert) }),
    ...(key === undefined ? {} : { key: textOf(key) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

function textOf(pem: string | Uint8Array): string {
  return Buffer.from(pem).toString();
}
