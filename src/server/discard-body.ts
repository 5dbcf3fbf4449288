import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";

/** Most bytes of a refused request that are read and thrown away, so that its client gets to read the answer. */
const MAX_DISCARDED_BYTES = 16 * 1024 * 1024;

/**
 * Reads what is left of a request. Many clients look for the answer
 * only when all of their request is written. Resolves at the end of the
 * request, when the connection breaks, or after {@link MAX_DISCARDED_BYTES};
 * slow requests are cut by the server's request timeout.
 */
export function discardBody(request: IncomingMessage | Http2ServerRequest): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let bytes = 0;
    const done = () => {
      request.off("data", count);
      resolve();
    };
    const count = (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes > MAX_DISCARDED_BYTES) done();
    };
    request.once("end", done);
    request.once("close", done);
    request.on("data", count);
  });
}
