import {
  type Context,
  createTraceState,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  trace as spans,
} from "@opentelemetry/api";
import type { TraceContext } from "../../rpc/trace-context.ts";

// Places in a traceparent of version 00: `00-<32 digits>-<16 digits>-<2 digits>`.
const TRACE_ID = [3, 35] as const;
const SPAN_ID = [36, 52] as const;
const FLAGS_AT = 53;

/** The same context as OpenTelemetry has it. */
export function toSpanContext({ traceparent, tracestate }: TraceContext, isRemote: boolean): SpanContext {
  return {
    traceId: traceparent.slice(...TRACE_ID),
    spanId: traceparent.slice(...SPAN_ID),
    traceFlags: Number.parseInt(traceparent.slice(FLAGS_AT), 16),
    isRemote,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  };
}

/** The context of a span, for whoever is to be its child or link to it. */
export function contextOfSpan(span: Span): TraceContext {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
  const tracestate = traceState?.serialize();
  return tracestate ? { traceparent, tracestate } : { traceparent };
}

/** What a span is begun in: with a parent, or without one. */
export function parentContext(parent: TraceContext | undefined, isRemote: boolean): Context {
  return parent === undefined
    ? ROOT_CONTEXT
    : spans.setSpanContext(ROOT_CONTEXT, toSpanContext(parent, isRemote));
}

/** Links to contexts. */
export function linksTo(contexts: readonly TraceContext[]): Link[] {
  return contexts.map((context) => ({ context: toSpanContext(context, true) }));
}
