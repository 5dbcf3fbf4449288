import { createServer, type Server } from "node:http";
import type { WebhookLimits } from "../webhook/webhook-limits.ts";

/** How often connections are checked for their timeouts, in milliseconds. */
const TIMEOUT_CHECK_MS = 1_000;

/** The HTTP/1.1 server for webhooks, with the times and sizes of the limits. */
export function createWebhookServer(limits: WebhookLimits): Server {
  const server = createServer({
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    maxHeaderSize: limits.maxHeaderBytes,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  });
  // Whatever state a connection is in, silence ends it.
  server.timeout = limits.requestTimeoutMs + limits.appendTimeoutMs + limits.keepAliveTimeoutMs;
  return server;
}
