import type { DescMethod } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { status as statusNames } from "@grpc/grpc-js";
import { type Span, SpanKind, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import type { CallContext } from "../../rpc/call-context.ts";
import type { CallReport, Guards } from "../../server/guards.ts";
import { ATTRIBUTE } from "../conventions.ts";
import { readTrace } from "./read-trace.ts";
import { contextOfSpan, parentContext } from "./span-contexts.ts";

/** Machine reason of a call's error. */
const REASON = "infobip_rpc.reason";
/** Name of the caller, from the configuration. */
const CALLER = "infobip_rpc.caller";

/** Codes by which a server has failed, by the conventions for gRPC; other codes tell that the call was no good one. */
const SERVER_FAULTS: ReadonlySet<Code> = new Set([
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Unimplemented,
  Code.Internal,
  Code.Unavailable,
  Code.DataLoss,
]);

/**
 * Makes a SERVER span of each call that is sampled, a child of the one that the
 * client names, and sets the call's trace to it. The trace of a call that is not
 * sampled is the client's own, so that what refers to it refers to a span that
 * may exist.
 */
export function callSpans(tracer: Tracer): NonNullable<Guards["begin"]> {
  const names = new Map<DescMethod, string>();
  return (method, context) => {
    const incoming = readTrace(context);
    let name = names.get(method);
    if (name === undefined) {
      name = `${method.parent.typeName}/${method.name}`;
      names.set(method, name);
    }
    const span = begin(tracer, name, context, incoming && parentContext(incoming, true));
    if (span.isRecording()) context.trace = contextOfSpan(span);
    else if (incoming !== undefined) context.trace = incoming;
    return span.isRecording() ? (report) => end(span, report) : undefined;
  };
}

function begin(
  tracer: Tracer,
  name: string,
  { protocolName }: CallContext,
  parent: ReturnType<typeof parentContext> = parentContext(undefined, true),
): Span {
  const attributes = {
    [ATTRIBUTE.rpcSystemName]: protocolName === "connect" ? "connectrpc" : "grpc",
    [ATTRIBUTE.rpcMethod]: name,
  };
  return tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
}

function end(span: Span, { code, reason, caller }: CallReport): void {
  const status = code === undefined ? "OK" : (statusNames[code] ?? "UNKNOWN");
  span.setAttribute(ATTRIBUTE.rpcStatusCode, status);
  if (caller !== undefined) span.setAttribute(CALLER, caller);
  if (code !== undefined) {
    span.setAttribute(ATTRIBUTE.errorType, status);
    if (reason !== undefined) span.setAttribute(REASON, reason);
    if (SERVER_FAULTS.has(code)) span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
