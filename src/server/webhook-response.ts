import type { IncomingMessage, ServerResponse } from "node:http";
import type { WebhookAnswer } from "../webhook/webhook-answer.ts";

/** How an answer is sent. */
export interface SendAnswerOptions {
  /** Some of the request's body is still coming. */
  readonly mustDrain: boolean;
  /** The connection takes no further request. */
  readonly mustClose: boolean;
  /** How long, and how many bytes, an unread body is thrown away before the connection ends. */
  readonly lingerMs: number;
  readonly lingerBytes: number;
}

/**
 * Writes an answer. Closing a connection with bytes still unread resets it,
 * which can destroy the answer on its way; so the rest of an unread body is
 * first thrown away, within bounds.
 */
export function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: WebhookAnswer,
  options: SendAnswerOptions,
): void {
  // Text goes out together with the headers, in one write to the socket; bytes would take a second buffer.
  const body = `${JSON.stringify(answer.body)}\n`;
  response.writeHead(answer.status, {
    ...answer.headers,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    ...(options.mustClose ? { connection: "close" } : {}),
  });
  if (!options.mustDrain) {
    response.end(body);
    return;
  }
  response.write(body);
  discard(request, options, () => response.end());
}

/** Reads and drops what is left of a body; calls `done` once, at its end or at a bound. */
function discard(request: IncomingMessage, options: SendAnswerOptions, done: () => void): void {
  let dropped = 0;
  const finish = () => {
    clearTimeout(timer);
    request.off("data", onData).off("end", finish).off("close", finish);
    done();
  };
  const onData = (piece: Buffer) => {
    dropped += piece.length;
    if (dropped > options.lingerBytes) finish();
  };
  const timer = setTimeout(finish, options.lingerMs);
  request.on("data", onData).on("end", finish).on("close", finish);
  request.resume();
}
