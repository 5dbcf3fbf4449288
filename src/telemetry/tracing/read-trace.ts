import type { CallContext } from "../../rpc/call-context.ts";
import { parseTraceContext } from "../../rpc/parse-trace-context.ts";
import type { TraceContext } from "../../rpc/trace-context.ts";

/** Where the client says that its call stands in a trace; undefined when it says nothing that can be read. */
export function readTrace(context: CallContext): TraceContext | undefined {
  const traceparent = entryOf(context, "traceparent");
  if (traceparent === undefined) return undefined;
  return parseTraceContext(traceparent, entryOf(context, "tracestate"));
}

function entryOf(context: CallContext, name: string): string | undefined {
  const { metadataValue } = context;
  return metadataValue === undefined ? (context.requestHeader.get(name) ?? undefined) : metadataValue(name);
}
