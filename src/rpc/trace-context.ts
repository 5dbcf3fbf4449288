/** Where a call stands in a trace, as W3C Trace Context writes it. */
export interface TraceContext {
  /** `00-<trace id>-<span id>-<flags>`, checked. */
  readonly traceparent: string;
  /** At most 512 characters. */
  readonly tracestate?: string;
}
