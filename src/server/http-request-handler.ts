import { IncomingMessage, type ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { createRegistry } from "@bufbuild/protobuf";
import { createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.js";
import { admitEarly } from "./admit-early.ts";
import { markBidiOverHttp1, refuseMarked } from "./bidi-over-http1.ts";
import { bindToConnect } from "./connect-binding.ts";
import { describeConnectErrors } from "./connect-error-info.ts";
import { connectionValues } from "./connection-name.ts";
import { discardBody } from "./discard-body.ts";
import { spellStatusMessage } from "./grpc-message.ts";
import { answerHint, answerRefusal, answerUnknownPath } from "./http-answers.ts";
import { protocolError, type RefusalHook } from "./refusal.ts";
import type { ServiceBinding } from "./service-binding.ts";
import { serviceFiles } from "./service-files.ts";

/** A request of either HTTP version. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;
/** A response of either HTTP version. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** Options of {@link createRequestHandler}. */
export interface RequestHandlerOptions {
  readonly services: readonly ServiceBinding[];
  /** Largest request message, in bytes, after decompression. */
  readonly maxReceiveBytes: number;
  /** Longest deadline that a client may ask for, in milliseconds. */
  readonly maxTimeoutMs: number;
  /** Ends all calls when it aborts. */
  readonly shutdownSignal: AbortSignal;
  readonly onRefusal: RefusalHook;
}

/** Handles the requests of all protocols: Connect, gRPC-Web and gRPC, and what is none of them. */
export function createRequestHandler(
  options: RequestHandlerOptions,
): (request: NodeRequest, response: NodeResponse) => void {
  const handlers = createHandlers(options);
  const hint = options.services.map((binding) => binding.service.typeName);
  return (request, response) => {
    const ignore = () => undefined;
    // A client that goes away is seen by the handlers; without a listener Node would end the process.
    request.on("error", ignore);
    response.on("error", ignore);
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    const handler = handlers.get(path);
    if (handler !== undefined) {
      void serve(handler, request, response);
    } else if (path === "/" && request.method === "GET") {
      answerHint(response, hint);
    } else {
      answerUnknownPath(request, response, options.onRefusal);
    }
  };
}

function createHandlers(options: RequestHandlerOptions): Map<string, UniversalHandler> {
  const services = options.services.map((binding) => binding.service);
  const registry = createRegistry(...serviceFiles(services, [file_google_rpc_error_details]));
  const admit = admitEarly(options.services, options.onRefusal);
  const describeErrors = describeConnectErrors(registry, options.onRefusal);
  const router = createConnectRouter({
    acceptCompression: [compressionGzip, compressionBrotli],
    readMaxBytes: options.maxReceiveBytes,
    maxTimeoutMs: options.maxTimeoutMs,
    shutdownSignal: options.shutdownSignal,
    requestGate: (context) => {
      describeErrors(context);
      refuseMarked(context, options.onRefusal);
      admit(context);
    },
    // A field or enum name that is not known would otherwise be dropped without a word.
    // The registry has what a google.protobuf.Any of an answer may hold.
    jsonOptions: { ignoreUnknownFields: false, registry },
  });
  for (const binding of options.services) bindToConnect(router, binding, registry);
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

async function serve(handler: UniversalHandler, request: NodeRequest, response: NodeResponse): Promise<void> {
  try {
    const universal = universalRequestFromNodeRequest(
      request,
      response,
      undefined,
      connectionValues(request),
    );
    const marked = markBidiOverHttp1(handler, universal);
    // A handler that stops reading early must not take the connection down before its answer is sent.
    const answer = await handler({ ...marked, body: request.iterator({ destroyOnReturn: false }) });
    // A client that waits for answers before it ends its request would wait for ever.
    if (marked !== universal) request.resume();
    else if (leavesRequestUnread(request, answer.status)) await discardBody(request);
    spellStatusMessage(answer);
    if (answer.body === undefined && answer.status >= 400) {
      answerRefusal(response, answer.status, notUnderstood(answer.status), answer.header);
    } else {
      await universalResponseToNodeResponse(answer, response);
    }
  } catch {
    // Either the client is gone, or the request has no authority and no protocol could be told.
    if (response.headersSent) response.destroy();
    else answerRefusal(response, 400, protocolError("the request cannot be read"));
  }
}

/**
 * An HTTP/1.1 connection cannot go on before its request is read; gRPC-Web
 * refuses with status 200. On HTTP/2 only the clients of plain HTTP need it.
 */
function leavesRequestUnread(request: NodeRequest, status: number): boolean {
  return !request.complete && (request instanceof IncomingMessage || status >= 400);
}

function notUnderstood(status: number) {
  switch (status) {
    case 405:
      return protocolError("methods of this service are called with POST");
    case 415:
      return protocolError(
        "the content type is none of this method's; unary methods take application/json, application/proto, " +
          "application/grpc or application/grpc-web+proto, streams application/connect+json or +proto instead of the first two",
      );
    default:
      return protocolError("the request does not follow the protocol");
  }
}
