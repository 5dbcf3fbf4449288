import { Code } from "@connectrpc/connect";
import { status as statusNames } from "@grpc/grpc-js";
import type { ServiceError } from "./errors.ts";
import type { ServiceState } from "./lifecycle.ts";
import type { Logger } from "./log.ts";
import type { CallReport } from "./server/guards.ts";
import type { WebhookOutcome } from "./server/webhook-listener.ts";

/** One function for each thing that happens in the service and is worth a log line. */
export interface ServiceEvents {
  readonly stateChanged: (state: ServiceState) => void;
  readonly listening: (component: string, address: string) => void;
  readonly callEnded: (report: CallReport) => void;
  readonly callRefused: (method: string, error: ServiceError) => void;
  readonly internalError: (error: unknown, errorId: string, method: string) => void;
  readonly webhookAnswered: (outcome: WebhookOutcome) => void;
  readonly logFailed: (error: Error) => void;
}

/** Codes that tell of trouble on this side; the others are the caller's own affair. */
const SERVER_CODES: ReadonlySet<Code> = new Set([
  Code.Internal,
  Code.Unknown,
  Code.DataLoss,
  Code.Unavailable,
  Code.Unauthenticated,
]);

/** Writes the events as log lines: calls and webhooks that went well at debug level, the rest louder. */
export function logServiceEvents(log: Logger): ServiceEvents {
  return {
    stateChanged: (state) => log.info("service state changed", { state }),
    listening: (component, address) => log.info("listening", { component, address }),
    callEnded: ({ method, code, reason, durationMs, protocol }) => {
      const fields = {
        component: protocol,
        method,
        reason,
        durationMs: Math.round(durationMs * 1000) / 1000,
      };
      if (code === undefined) log.debug("call ended", { ...fields, code: "OK" });
      else if (SERVER_CODES.has(code)) log.warn("call failed", { ...fields, code: statusNames[code] });
      else log.info("call failed", { ...fields, code: statusNames[code] });
    },
    callRefused: (method, error) =>
      log.info("call refused", { method, code: statusNames[error.code], reason: error.reason }),
    internalError: (error, errorId, method) => log.error("internal error", { method, error, errorId }),
    webhookAnswered: (outcome) => logWebhook(log, outcome),
    logFailed: (error) =>
      log.error("the event log can no longer be written", { component: "eventlog", error }),
  };
}

function logWebhook(log: Logger, { route, status, reason, receipt, cause }: WebhookOutcome): void {
  const method = route === undefined ? "unknown" : `/v1/${route}`;
  if (receipt !== undefined) {
    const { items, duplicates, unparsed } = receipt;
    const fields = { component: "webhook", method, status, count: items, duplicates };
    if (unparsed > 0) log.warn("webhook stored, with items that could not be read", { ...fields, unparsed });
    else log.debug("webhook stored", fields);
    return;
  }
  const fields = { component: "webhook", method, status, reason };
  if (status !== undefined && status >= 500) log.error("webhook refused", { ...fields, error: cause });
  else log.info(status === undefined ? "webhook sender went away" : "webhook refused", fields);
}
