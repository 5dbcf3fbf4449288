import { logCalls, logRefusals } from "./call-log.ts";
import type { ConfigWarning } from "./config/warnings.ts";
import type { DestinationNames } from "./destination-names.ts";
import type { ServiceError } from "./errors.ts";
import { type FleetEvents, logFleetEvents } from "./fleet-log.ts";
import type { ServiceState } from "./lifecycle.ts";
import type { Logger } from "./log.ts";
import { logMessages, type MessageEvents, NO_MESSAGE_EVENTS } from "./message-log.ts";
import { logPullEvents } from "./pull-log.ts";
import { logSendingEvents, type SendingEvents } from "./sending-log.ts";
import type { CallReport } from "./server/guards.ts";
import type { WebhookOutcome } from "./server/webhook-listener.ts";
import { logTlsEvents, type TlsEvents } from "./tls-log.ts";
import type { PullEvents } from "./webhook/pull-events.ts";
import { logWebhooks } from "./webhook-log.ts";

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
  readonly fleet: FleetEvents;
  readonly pull: PullEvents;
  readonly tls: TlsEvents;
  readonly messages: MessageEvents;
}

/**
 * Writes the events as log lines: calls and webhooks that went well at debug level, the rest louder.
 * @param names Names of destinations; undefined: no lines about single messages.
 */
export function logServiceEvents(log: Logger, names?: DestinationNames): ServiceEvents {
  return {
    stateChanged: (state) => log.info("service state changed", { state }),
    configDoubtful: ({ setting, message }) => log.warn(`${setting} ${message}`, { component: "config" }),
    listening: (component, address) => log.info("listening", { component, address }),
    callEnded: logCalls(log, () => performance.now()),
    callRefused: logRefusals(log, () => performance.now()),
    internalError: (error, errorId, method) => log.error("internal error", { method, error, errorId }),
    webhookAnswered: logWebhooks(log, () => performance.now()),
    ...logStorageEvents(log.child({ component: "eventlog" })),
    sending: logSendingEvents(log, () => performance.now()),
    fleet: logFleetEvents(log, () => performance.now()),
    pull: logPullEvents(log, () => performance.now()),
    tls: logTlsEvents(log),
    messages: names === undefined ? NO_MESSAGE_EVENTS : logMessages(log, names),
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
