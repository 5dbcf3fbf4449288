import type { IncomingMessage } from "node:http";

/** Outcome of reading a body: its text, or why there is none. */
export type BodyOutcome =
  | { readonly kind: "body"; readonly text: string }
  | { readonly kind: "too-large" }
  | { readonly kind: "aborted" };

/**
 * Reads a request's body, at most `limit` bytes of it; what exceeds the limit
 * is read and thrown away, so that the answer reaches the client. Never rejects.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<BodyOutcome> {
  const { promise, resolve } = Promise.withResolvers<BodyOutcome>();
  const chunks: Buffer[] = [];
  let size = 0;
  request.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= limit) {
      chunks.push(chunk);
      return;
    }
    chunks.length = 0;
    resolve({ kind: "too-large" });
  });
  request.on("end", () => resolve({ kind: "body", text: Buffer.concat(chunks).toString("utf8") }));
  request.on("error", () => resolve({ kind: "aborted" }));
  request.on("close", () => resolve({ kind: "aborted" }));
  return promise;
}
