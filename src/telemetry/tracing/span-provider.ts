import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from "@opentelemetry/sdk-trace";
import type { TelemetryConfig } from "../../config/telemetry-config.ts";
import type { TracesConfig } from "../../config/traces-config.ts";
import { MAX_SPAN_LINKS } from "../../infobip/request-trace.ts";
import { createSampler } from "./linked-sampler.ts";
import type { TracingOptions } from "./tracing.ts";

/** Most characters of an attribute of a span. None of this service's own comes near it. */
const MAX_ATTRIBUTE_CHARS = 1_024;
/** How an exporter says that all went well. */
const EXPORTED = 0;

type ExporterOptions = NonNullable<ConstructorParameters<typeof OTLPTraceExporter>[0]>;

/** Makes what gives out tracers, and exports their spans in batches. Must be shut down. */
export function createSpanProvider(
  traces: TracesConfig,
  { serviceName, attributes }: TelemetryConfig["resource"],
  onFailure: TracingOptions["onFailure"],
): TracerProvider {
  const { delayMs, maxQueued, maxSpans } = traces.batch;
  const processor = new BatchSpanProcessor({
    exporter: tellingExporter(createExporter(traces), onFailure),
    scheduledDelayMillis: delayMs,
    maxQueueSize: maxQueued,
    maxExportBatchSize: maxSpans,
    exportTimeoutMillis: traces.timeoutMs,
  });
  return new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ ...attributes, "service.name": serviceName })),
    sampler: createSampler(traces.sampler),
    spanLimits: { linkCountLimit: MAX_SPAN_LINKS, attributeValueLengthLimit: MAX_ATTRIBUTE_CHARS },
    spanProcessors: [processor],
  });
}

function createExporter({ endpoint, headers, timeoutMs, compression }: TracesConfig): SpanExporter {
  const revealed = Object.entries(headers).map(([name, value]) => [name, value.reveal()] as const);
  return new OTLPTraceExporter({
    url: endpoint.reveal(),
    headers: Object.fromEntries(revealed),
    timeoutMillis: timeoutMs,
    // The enum of the type is in a package that this service does not name.
    compression: compression as ExporterOptions["compression"],
  });
}

/** The same exporter, which also tells of what it could not export. */
function tellingExporter(exporter: SpanExporter, onFailure: TracingOptions["onFailure"]): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code !== EXPORTED) onFailure({ spans: spans.length, error: result.error });
        done(result);
      }),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}
