import type { IncomingHttpHeaders } from "node:http";
import { encodeBinaryHeader } from "@connectrpc/connect";
import { errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { type ServiceError, toConnectError } from "../errors.ts";
import { encodeStatusMessage } from "./grpc-message.ts";
import { STATUS_DETAILS, toGrpcStatus } from "./grpc-status.ts";
import { methodUnknown, type RefusalHook, UNKNOWN_METHOD } from "./refusal.ts";

const JSON_TYPE = "application/json";

/** What is needed of a response, in either HTTP version. */
interface Answer {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(): unknown;
  end(body: Uint8Array): unknown;
}

/** Answers GET /: what this is and how to call it. */
export function answerHint(response: Answer, services: readonly string[]): void {
  const hint = {
    service: "infobip-rpc",
    services,
    usage: "POST a request as JSON to /<service>/<method>, with content-type: application/json",
  };
  answerJson(response, 200, new TextEncoder().encode(`${JSON.stringify(hint)}\n`));
}

/** Answers a path that is no method: in gRPC's way for gRPC and gRPC-Web clients, else 404 with Connect's JSON. */
export function answerUnknownPath(
  request: { readonly headers: IncomingHttpHeaders },
  response: Answer,
  onRefusal: RefusalHook,
): void {
  const error = methodUnknown();
  const contentType = request.headers["content-type"] ?? "";
  const isGrpc = contentType.startsWith("application/grpc");
  onRefusal(UNKNOWN_METHOD, error, isGrpc ? "grpc" : "connect");
  if (!isGrpc) {
    answerRefusal(response, 404, error);
    return;
  }
  const { code, details, metadata } = toGrpcStatus(error);
  const statusBytes = metadata.get(STATUS_DETAILS)[0];
  response.setHeader("content-type", contentType);
  response.setHeader("grpc-status", String(code));
  response.setHeader("grpc-message", encodeStatusMessage(details));
  if (statusBytes instanceof Buffer) response.setHeader(STATUS_DETAILS, encodeBinaryHeader(statusBytes));
  // Without a body the status is in the frame that ends the stream, where gRPC clients look for it.
  response.end();
}

/** Answers with an error as Connect's JSON. */
export function answerRefusal(response: Answer, status: number, error: ServiceError, header?: Headers): void {
  header?.forEach((value, name) => {
    response.setHeader(name, value);
  });
  answerJson(response, status, errorToJsonBytes(toConnectError(error), undefined));
}

function answerJson(response: Answer, status: number, body: Uint8Array): void {
  response.statusCode = status;
  response.setHeader("content-type", JSON_TYPE);
  response.setHeader("content-length", String(body.byteLength));
  response.end(body);
}
