import type { TelemetryConfig } from "../../config/telemetry-config.ts";
import type { ExchangeObserver } from "../../infobip/request-trace.ts";
import type { Guards } from "../../server/guards.ts";
import type { IntakeObserver } from "../../webhook/intake-trace.ts";
import { readTrace } from "./read-trace.ts";

/** What the service does about traces. */
export interface Tracing extends AsyncDisposable {
  /** For the guards: sets each call's trace, and makes its span. */
  readonly begin: NonNullable<Guards["begin"]>;
  /** For the client of Infobip: makes the spans of requests. Undefined where none are made. */
  readonly onExchange: ExchangeObserver | undefined;
  /** For the intake: makes the spans of bodies. Undefined where none are made. */
  readonly onBody: IntakeObserver | undefined;
  /** Whether spans are made here. */
  readonly isRecording: boolean;
  /** Exports what has ended so far, in at most so many milliseconds. Never rejects. */
  flush(graceMs: number): Promise<void>;
}

/** What {@link openTracing} works with. */
export interface TracingOptions {
  readonly telemetry: Pick<TelemetryConfig, "resource" | "traces">;
  /** Where requests to Infobip go. */
  readonly upstream: { readonly host: string; readonly port: number };
  /** Told of spans that could not be exported, and are lost. Must not throw. */
  readonly onFailure: (failure: SpanExportFailure) => void;
}

/** Spans that were not exported. */
export interface SpanExportFailure {
  readonly spans: number;
  readonly error: Error | undefined;
}

/** Reads the traces of callers, and nothing else: no spans are made. */
export const READ_ONLY_TRACING: Tracing = {
  begin: (_method, context) => {
    const trace = readTrace(context);
    if (trace !== undefined) context.trace = trace;
    return undefined;
  },
  onExchange: undefined,
  onBody: undefined,
  isRecording: false,
  flush: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** Opens tracing as it is configured. OpenTelemetry's SDK is loaded only where spans are exported. */
export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const { traces, resource } = options.telemetry;
  if (traces === undefined) return READ_ONLY_TRACING;
  const { openRecording } = await import("./recording.ts");
  return openRecording(traces, resource, options);
}
