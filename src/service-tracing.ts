import type { Config } from "./config/config.ts";
import type { TelemetryConfig } from "./config/telemetry-config.ts";
import { parseBaseUrl } from "./infobip/base-url.ts";
import type { Logger } from "./log.ts";
import { RareLine } from "./rare-line.ts";
import type { Storage } from "./service-storage.ts";
import { MessageContexts } from "./telemetry/tracing/message-contexts.ts";
import { openTracing, type SpanExportFailure, type Tracing } from "./telemetry/tracing/tracing.ts";

/** What tracing works with. */
export interface ServiceTracingOptions {
  readonly config: Config;
  /** With what identifies this process. */
  readonly telemetry: TelemetryConfig;
  readonly log: Logger;
}

/** Opens tracing. Spans that a collector does not take are told once a minute. */
export function openServiceTracing({ config, telemetry, log }: ServiceTracingOptions): Promise<Tracing> {
  const failures = new RareLine(() => performance.now());
  return openTracing({
    telemetry,
    upstream: targetOf(config.upstream.baseUrl),
    onFailure: ({ spans, error }: SpanExportFailure) =>
      failures.write(
        (count) => log.warn("spans were not exported", { component: "telemetry", error, count }),
        spans,
      ),
  });
}

/** What knows in which traces messages were sent. */
export function openMessageContexts(config: Config, storage: Storage, tracing: Tracing): MessageContexts {
  return new MessageContexts({
    log: storage.readsEvents ? storage.log : undefined,
    isShared: config.eventlog.nats !== undefined,
    isRecording: tracing.isRecording,
    now: () => performance.now(),
  });
}

function targetOf(baseUrl: string): { readonly host: string; readonly port: number } {
  const { hostname, port, protocol } = new URL(parseBaseUrl(baseUrl).origin);
  return { host: hostname, port: Number(port || (protocol === "http:" ? 80 : 443)) };
}
