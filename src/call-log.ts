import { Code } from "@connectrpc/connect";
import { status as statusNames } from "@grpc/grpc-js";
import type { ServiceError } from "./errors.ts";
import type { Logger } from "./log.ts";
import { RareLine } from "./rare-line.ts";
import type { CallReport } from "./server/guards.ts";

/** Codes that tell of trouble on this side; the others are the caller's own affair. */
const SERVER_CODES: ReadonlySet<Code> = new Set([
  Code.Internal,
  Code.Unknown,
  Code.DataLoss,
  Code.Unavailable,
  Code.Unauthenticated,
]);

/**
 * Writes how calls ended as log lines: those that went well at debug level.
 * Failures by trouble on this side are told once a minute at most for each
 * method, code and reason, with how many there were: every caller tries again
 * while a store or Infobip is away.
 * @param now Milliseconds on any clock that only goes forward.
 */
export function logCalls(log: Logger, now: () => number): (report: CallReport) => void {
  // As many as there are methods, codes and reasons at most.
  const troubles = new Map<string, RareLine>();
  return ({ method, code, reason, durationMs, protocol, caller, traceId }) => {
    const fields = {
      component: protocol,
      method,
      reason,
      caller,
      traceId,
      durationMs: Math.round(durationMs * 1000) / 1000,
      code: code === undefined ? "OK" : statusNames[code],
    };
    if (code === undefined) return log.debug("call ended", fields);
    if (!SERVER_CODES.has(code)) return log.info("call failed", fields);
    const kind = `${method} ${code} ${reason}`;
    const line = troubles.get(kind) ?? new RareLine(now);
    troubles.set(kind, line);
    line.write((count) => log.warn("call failed", { ...fields, count }));
  };
}

/**
 * Writes calls that were refused before any method saw them as log lines: once
 * a minute at most for each code and reason, with how many there were, since
 * anyone can make them without end.
 * @param now Milliseconds on any clock that only goes forward.
 */
export function logRefusals(log: Logger, now: () => number): (method: string, error: ServiceError) => void {
  // As many as there are codes and reasons at most.
  const lines = new Map<string, RareLine>();
  return (method, { code, reason }) => {
    const kind = `${code} ${reason}`;
    const line = lines.get(kind) ?? new RareLine(now);
    lines.set(kind, line);
    line.write((count) => log.info("call refused", { method, code: statusNames[code], reason, count }));
  };
}
