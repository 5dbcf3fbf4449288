import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  constants,
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
} from "node:http2";
import type { HttpLimits } from "./http-listener.ts";
import type { createRequestHandler } from "./http-request-handler.ts";
import type { ServiceBinding } from "./service-binding.ts";
import { nghttp2ResetOptions, streamResetLimits } from "./stream-resets.ts";

/** How often connections are checked for their timeouts, in milliseconds. */
const TIMEOUT_CHECK_MS = 1000;
/** What a field of a header counts besides its name and value, in bytes. */
const HEADER_FIELD_OVERHEAD = 32;

type Handler = ReturnType<typeof createRequestHandler>;
type Http1Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** The server for HTTP/1.1. Node itself watches over slow requests. */
export function createHttp1(limits: HttpLimits, handler: Http1Handler): Server {
  return createServer(
    {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      noDelay: true,
    },
    handler,
  );
}

/** Paths of the methods whose requests last as long as their calls. */
export function bidiPaths(services: readonly ServiceBinding[]): ReadonlySet<string> {
  const methods = services.flatMap((binding) => binding.service.methods);
  const bidi = methods.filter((method) => method.methodKind === "bidi_streaming");
  return new Set(bidi.map((method) => `/${method.parent.typeName}/${method.name}`));
}

/** The server for HTTP/2. `endless` are the paths of the methods whose requests last as long as their calls. */
export function createHttp2(limits: HttpLimits, endless: ReadonlySet<string>, handler: Handler): Http2Server {
  return createHttp2Server(
    {
      ...nghttp2ResetOptions(streamResetLimits(limits.maxConcurrentStreams)),
      settings: {
        maxConcurrentStreams: limits.maxConcurrentStreams,
        maxHeaderListSize: limits.maxHeaderBytes,
      },
    },
    (request, response) => {
      if (request.stream.session?.pendingSettingsAck && isLongHeader(request, limits.maxHeaderBytes)) {
        refuseHeader(request);
        return;
      }
      const cut = () => cutSlowRequest(request, limits.requestTimeoutMs);
      // A client may go on after the answer, but not for ever.
      if (endless.has(request.url)) response.once("finish", cut);
      else cut();
      handler(request, response);
    },
  );
}

/**
 * Whether a header is larger than the limit, by the measure of RFC 9113, section 6.5.2. Node holds a client to
 * the limit only once the client has acknowledged it, which the first requests precede and a hostile client never does.
 */
function isLongHeader({ rawHeaders }: Http2ServerRequest, maxBytes: number): boolean {
  let bytes = (rawHeaders.length / 2) * HEADER_FIELD_OVERHEAD;
  for (const part of rawHeaders) bytes += part.length;
  return bytes > maxBytes;
}

/** As Node does where the limit is acknowledged. */
function refuseHeader(request: Http2ServerRequest): void {
  request.on("error", () => undefined);
  request.stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
}

/** Node watches over slow HTTP/1.1 requests itself, but not over HTTP/2 streams. */
function cutSlowRequest(request: Http2ServerRequest, timeoutMs: number): void {
  const timer = setTimeout(() => request.stream.close(constants.NGHTTP2_CANCEL), timeoutMs);
  timer.unref();
  request.once("end", () => clearTimeout(timer));
  request.once("close", () => clearTimeout(timer));
}
