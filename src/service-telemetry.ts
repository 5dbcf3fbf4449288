import { randomUUID } from "node:crypto";
import manifest from "../package.json" with { type: "json" };
import type { TelemetryConfig } from "./config/telemetry-config.ts";
import type { Logger } from "./log.ts";
import type { SendOrigin } from "./messages/send-call.ts";
import type { SentCall } from "./messages/send-result-event.ts";
import { createProcessSource } from "./process-source.ts";
import { RareLine } from "./rare-line.ts";
import type { CallReport } from "./server/guards.ts";
import type { ServiceEvents } from "./service-events.ts";
import { countMessages } from "./telemetry/count-messages.ts";
import { createMetrics, type Metrics } from "./telemetry/metrics.ts";

/** Makes the metrics of this process. `now` tells Unix milliseconds. */
export function createServiceMetrics(now: () => number): Metrics {
  const build = { version: manifest.version, node: process.versions.node };
  return createMetrics({ now, process: { source: createProcessSource(), build } });
}

/** The same with what identifies this process, where the environment does not say. */
export function completeTelemetry(telemetry: TelemetryConfig): TelemetryConfig {
  const { serviceName, attributes } = telemetry.resource;
  const own = { "service.version": manifest.version, "service.instance.id": randomUUID() };
  return { ...telemetry, resource: { serviceName, attributes: { ...own, ...attributes } } };
}

/** Begins to export the metrics, when the environment asks for it. What a collector does not take is told once a minute. */
export async function exportMetrics(
  metrics: Metrics,
  { metrics: config, resource }: TelemetryConfig,
  log: Logger,
): Promise<void> {
  if (config === undefined) return;
  const failures = new RareLine(() => performance.now());
  await metrics.startExport({
    config,
    resource: { ...resource.attributes, "service.name": resource.serviceName },
    onExport: (error) => {
      if (error === undefined) return;
      failures.write((count) =>
        log.warn("metrics were not exported", { component: "telemetry", error, count }),
      );
    },
  });
}

/** What a call's end is told to. */
export type CallEnded = (report: CallReport) => void;

/** Counts each call, and tells it on. */
export function countCalls({ rpc, callers }: Metrics, next: CallEnded): CallEnded {
  return (report) => {
    rpc.ended(report);
    callers.callEnded(report);
    next(report);
  };
}

/** The same events, whose internal errors are counted as well. */
export function countInternalErrors({ rpc }: Metrics, events: ServiceEvents): ServiceEvents {
  return {
    ...events,
    internalError: (error, errorId, method) => {
      rpc.failedInternally();
      events.internalError(error, errorId, method);
    },
  };
}

/** What is told of each send. */
export type SendEnded = (call: SentCall, origin: SendOrigin) => void;

/** Counts messages by caller, and tells each send on. */
export function countSends({ callers }: Metrics, next: SendEnded): SendEnded {
  return (call, origin) => {
    if (origin.caller !== undefined) countMessages(call, origin.caller, callers.messagesEnded);
    next(call, origin);
  };
}
