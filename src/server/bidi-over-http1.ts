import { createContextKey, createContextValues, type HandlerContext } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { toConnectError } from "../errors.ts";
import { http2Needed, type RefusalHook } from "./refusal.ts";

const NEEDS_HTTP2 = createContextKey(false, { description: "a bidirectional call that came over HTTP/1.1" });

/**
 * Marks a call of a bidirectional method that came over HTTP/1.1. Connect
 * would answer it with a bare 505, which clients show as an unknown error; it
 * is let through as if it had come over HTTP/2, so that
 * {@link refuseMarked} can answer it in the client's own protocol.
 */
export function markBidiOverHttp1(
  handler: UniversalHandler,
  request: UniversalServerRequest,
): UniversalServerRequest {
  if (handler.method.methodKind !== "bidi_streaming" || !request.httpVersion.startsWith("1.")) return request;
  return {
    ...request,
    httpVersion: "2.0",
    contextValues: createContextValues().set(NEEDS_HTTP2, true),
  };
}

/** Request gate that refuses what {@link markBidiOverHttp1} has marked. */
export function refuseMarked(context: HandlerContext, onRefusal: RefusalHook): void {
  if (!context.values.get(NEEDS_HTTP2)) return;
  const error = http2Needed();
  onRefusal(`${context.service.typeName}/${context.method.name}`, error, context.protocolName);
  // The client may never end its request, and the connection is of no use before that.
  context.responseHeader.set("connection", "close");
  throw toConnectError(error);
}
