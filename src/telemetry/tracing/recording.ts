import type { TracerProvider } from "@opentelemetry/sdk-trace";
import type { TelemetryConfig } from "../../config/telemetry-config.ts";
import type { TracesConfig } from "../../config/traces-config.ts";
import { bodySpans } from "./body-spans.ts";
import { callSpans } from "./call-spans.ts";
import { exchangeSpans } from "./exchange-spans.ts";
import { createSpanProvider } from "./span-provider.ts";
import type { Tracing, TracingOptions } from "./tracing.ts";

/** Name of what makes the spans. */
const SCOPE = "infobip-rpc";
/** Longest time that closing waits for a last export, in milliseconds. */
const CLOSE_MS = 1_000;

/** Begins to make spans and to export them. */
export function openRecording(
  traces: TracesConfig,
  resource: TelemetryConfig["resource"],
  { upstream, onFailure }: Pick<TracingOptions, "upstream" | "onFailure">,
): Tracing {
  const provider = createSpanProvider(traces, resource, onFailure);
  const tracer = provider.getTracer(SCOPE);
  return {
    begin: callSpans(tracer),
    onExchange: exchangeSpans(tracer, upstream),
    // Unlike Date.now it tells times within a millisecond apart.
    onBody: bodySpans(tracer, () => performance.timeOrigin + performance.now()),
    isRecording: true,
    flush: (graceMs) => flushed(provider, graceMs),
    [Symbol.asyncDispose]: () => close(provider),
  };
}

/** A failure is told by the exporter itself. */
function flushed(provider: TracerProvider, timeoutMillis: number): Promise<void> {
  return provider.forceFlush({ timeoutMillis }).catch(() => undefined);
}

async function close(provider: TracerProvider): Promise<void> {
  const { promise: tooLong, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, CLOSE_MS);
  await Promise.race([provider.shutdown().catch(() => undefined), tooLong]);
  clearTimeout(timer);
}
