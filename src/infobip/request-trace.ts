import type { TraceContext } from "../rpc/trace-context.ts";
import type { RequestEnd } from "./request-report.ts";

/** Most links of one span: what OpenTelemetry keeps where nothing else is set. */
export const MAX_SPAN_LINKS = 128;

/** Where what is sent comes from. */
export interface RequestTrace {
  readonly context: TraceContext;
  /** Whether the call waits for the answer; one that does not has ended, perhaps long ago. */
  readonly isAwaited: boolean;
}

/** Where one request to Infobip stands. */
export interface RequestTraces {
  /** The call that it is made for, when it is made for that one alone. */
  readonly parent?: TraceContext;
  /** Otherwise the calls that share it, or that asked for it earlier; at most {@link MAX_SPAN_LINKS}. */
  readonly links: readonly TraceContext[];
}

/** One request that begins, as spans want it. Holds no query, body or headers. */
export interface ExchangeStart {
  readonly method: "POST";
  /** Path of the endpoint. */
  readonly path: string;
  /** How many times it was sent before within the same call. */
  readonly resends: number;
  readonly traces: RequestTraces;
}

/** Told of each request that is part of a trace as it begins. The returned function is told of its end, once. Must not throw. */
export type ExchangeObserver = (
  start: ExchangeStart,
) => ((end: Pick<RequestEnd, "status" | "errorType">) => void) | undefined;

/** What the request of these jobs belongs to; undefined when none is part of a trace. */
export function requestTraces(
  jobs: readonly { readonly job: { readonly trace?: RequestTrace | undefined } }[],
): RequestTraces | undefined {
  const only = jobs.length === 1 ? jobs[0]?.job.trace : undefined;
  if (only?.isAwaited === true) return { parent: only.context, links: [] };
  let links: TraceContext[] | undefined;
  for (const { job } of jobs) {
    if (job.trace === undefined) continue;
    links ??= [];
    if (links.length < MAX_SPAN_LINKS) links.push(job.trace.context);
  }
  return links && { links };
}
