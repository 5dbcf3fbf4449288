import { readFileSync } from "node:fs";
import { Code, type ConnectError, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { BadRequestSchema, ErrorInfoSchema } from "./build/google/rpc/error_details_pb.js";

const TARGET = process.env.INFOBIP_RPC_TARGET ?? "127.0.0.1:50051";
const TOKEN = process.env.INFOBIP_RPC_TOKEN;
const TLS_CA = process.env.INFOBIP_RPC_TLS_CA;

/** Time for a call with one answer, its repeats included, in milliseconds. */
export const DEADLINE_MS = 10_000;

const addToken: Interceptor = (next) => (request) => {
  if (TOKEN) request.header.set("authorization", `Bearer ${TOKEN}`);
  return next(request);
};

/** The one connection of the process; it reconnects by itself. */
export function openTransport(): Transport {
  return createGrpcTransport({
    baseUrl: `${TLS_CA ? "https" : "http"}://${TARGET}`,
    interceptors: [addToken],
    pingIntervalMs: 30_000,
    pingTimeoutMs: 10_000,
    ...(TLS_CA && { nodeOptions: { ca: readFileSync(TLS_CA) } }),
  });
}

/** Lines of an error: its code and its details. Decide by the reason, never by the text. */
export function errorLines(error: ConnectError): string[] {
  const lines = [`code ${codeName(error.code)}`, `message ${error.rawMessage}`];
  for (const info of error.findDetails(ErrorInfoSchema)) {
    lines.push(`reason ${info.reason}`, `domain ${info.domain}`);
    for (const name of Object.keys(info.metadata).sort())
      lines.push(`metadata ${name}=${info.metadata[name]}`);
  }
  for (const bad of error.findDetails(BadRequestSchema)) {
    for (const { field, description } of bad.fieldViolations)
      lines.push(`violation ${field}: ${description}`);
  }
  return lines;
}

/** As the documentation spells it: INVALID_ARGUMENT. */
function codeName(code: Code): string {
  return (Code[code] ?? "Unknown").replace(/(?<=[a-z])[A-Z]/g, "_$&").toUpperCase();
}
