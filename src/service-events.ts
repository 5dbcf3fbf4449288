import { Code } from "@connectrpc/connect";
import { status as statusNames } from "@grpc/grpc-js";
import type { ConfigWarning } from "./config/warnings.ts";
import type { ServiceError } from "./errors.ts";
import type { ServiceState } from "./lifecycle.ts";
import type { Logger } from "./log.ts";
import { logPullEvents } from "./pull-log.ts";
import { logSendingEvents, type SendingEvents } from "./sending-log.ts";
import type { CallReport } from "./server/guards.ts";
import type { WebhookOutcome } from "./server/webhook-listener.ts";
import type { PullEvents } from "./webhook/pull-events.ts";

/** One function for each thing that happens in the service and is worth a log line. */
export interface ServiceEvents {
  readonly stateChanged: (state: ServiceState) => void;
  readonly configDoubtful: (warning: ConfigWarning) => void;
  readonly listening: (component: string, address: string) => void;
  readonly callEnded: (report: CallReport) => void;
  readonly callRefused: (method: string, error: ServiceError) => void;
  readonly internalError: (error: unknown, errorId: string, method: string) => void;
  readonly webhookAnswered: (outcome: WebhookOutcome) => void;
  readonly logFailed: (error: Error) => void;
  readonly logTroubled: (error: Error) => void;
  readonly logRecovered: () => void;
  readonly logDamaged: (error: Error) => void;
  readonly retentionFailed: (error: Error) => void;
  readonly sending: SendingEvents;
  readonly pull: PullEvents;
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
    configDoubtful: ({ setting, message }) => log.warn(`${setting} ${message}`, { component: "config" }),
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
    ...logStorageEvents(log.child({ component: "eventlog" })),
    sending: logSendingEvents(log, () => performance.now()),
    pull: logPullEvents(log, () => performance.now()),
  };
}

type StorageEvents = Pick<
  ServiceEvents,
  "logFailed" | "logTroubled" | "logRecovered" | "logDamaged" | "retentionFailed"
>;

function logStorageEvents(log: Logger): StorageEvents {
  return {
    logFailed: (error) => log.error("the event log can no longer be written", { error }),
    logTroubled: (error) =>
      log.error("the event log cannot be written; webhooks are answered 503 until it can", { error }),
    logRecovered: () => log.info("the event log can be written again"),
    logDamaged: (error) =>
      log.error("the event log is damaged: stop the service and run `infobip-rpc log verify`", { error }),
    retentionFailed: (error) => log.warn("old events could not be removed; it is tried again", { error }),
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
