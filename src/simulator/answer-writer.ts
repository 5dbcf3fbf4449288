import type { IncomingMessage, ServerResponse } from "node:http";
import type { Answer } from "./api-errors.ts";
import type { FaultRule } from "./fault.ts";
import type { TimerSet } from "./timer-set.ts";

/** Pieces in which a slow body goes out. */
const SLOW_PIECES = 10;
const DEFAULT_SLOW_MS = 1_000;
const GARBAGE = "\u0000\u0001{]garbage: this is no JSON";

/** Writes an answer as it should be. */
export function writeAnswer(response: ServerResponse, answer: Answer): void {
  writeHead(response, answer);
  response.end(answer.body);
}

/** Writes an answer the way its fault spoils it; a `hang` writes nothing and leaves the connection open. */
export function writeSpoilt(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  fault: FaultRule,
  timers: TimerSet,
): void {
  switch (fault.kind) {
    case "hang":
      return;
    case "reset-before-body":
    case "reset-after-body":
      request.socket.resetAndDestroy();
      return;
    case "garbage-body":
      writeAnswer(response, { ...answer, body: GARBAGE });
      return;
    case "truncated-body":
      writeHead(response, answer);
      response.write(answer.body.slice(0, Math.ceil(answer.body.length / 2)), () => request.socket.destroy());
      return;
    case "slow-body":
      writeHead(response, answer);
      trickle(response, answer.body, (fault.durationMs ?? DEFAULT_SLOW_MS) / SLOW_PIECES, timers);
      return;
    default:
      writeAnswer(response, answer);
  }
}

function writeHead(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, {
    "content-type": answer.contentType ?? "application/json;charset=UTF-8",
    "content-length": Buffer.byteLength(answer.body),
    ...answer.headers,
  });
}

function trickle(response: ServerResponse, body: string, pauseMs: number, timers: TimerSet): void {
  const bytes = Buffer.from(body);
  const size = Math.max(1, Math.ceil(bytes.length / SLOW_PIECES));
  let offset = 0;
  const writeNext = () => {
    if (response.destroyed) return;
    response.write(bytes.subarray(offset, offset + size));
    offset += size;
    if (offset >= bytes.length) response.end();
    else timers.after(pauseMs, writeNext);
  };
  response.flushHeaders();
  timers.after(pauseMs, writeNext);
}
