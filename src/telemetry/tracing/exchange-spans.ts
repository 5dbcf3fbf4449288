import { type Attributes, SpanKind, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import type { ExchangeObserver } from "../../infobip/request-trace.ts";
import { ATTRIBUTE } from "../conventions.ts";
import { linksTo, parentContext } from "./span-contexts.ts";

/** How often a request was sent before, by OpenTelemetry's conventions for HTTP. */
const RESEND_COUNT = "http.request.resend_count";

/**
 * Makes a CLIENT span of each request to Infobip that a sampled call is part
 * of. It tells the endpoint and the status, and nothing of query, body or
 * headers. The trace is not told to Infobip.
 */
export function exchangeSpans(tracer: Tracer, target: ExchangeTarget): ExchangeObserver {
  const server = { [ATTRIBUTE.serverAddress]: target.host, [ATTRIBUTE.serverPort]: target.port };
  return ({ method, path, resends, traces }) => {
    const attributes: Attributes = {
      ...server,
      [ATTRIBUTE.httpRequestMethod]: method,
      [ATTRIBUTE.urlTemplate]: path,
      ...(resends > 0 && { [RESEND_COUNT]: resends }),
    };
    const span = tracer.startSpan(
      `${method} ${path}`,
      { kind: SpanKind.CLIENT, attributes, links: linksTo(traces.links) },
      parentContext(traces.parent, false),
    );
    if (!span.isRecording()) return undefined;
    return ({ status, errorType }) => {
      if (status !== undefined) span.setAttribute(ATTRIBUTE.httpResponseStatusCode, status);
      if (errorType !== undefined) {
        span.setAttribute(ATTRIBUTE.errorType, errorType);
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    };
  };
}

/** Where requests to Infobip go. */
export interface ExchangeTarget {
  readonly host: string;
  readonly port: number;
}
