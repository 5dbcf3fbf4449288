import { type OtlpTarget, otlpTarget } from "./otlp-target.ts";
import type { TelemetryVariables } from "./telemetry-variables.ts";

/** Which traces are kept. A caller's own decision wins where `followsCaller` is set. */
export interface SamplerConfig {
  readonly followsCaller: boolean;
  /** Share of the traces that begin here, 0 to 1. */
  readonly ratio: number;
}

/** How spans are exported. */
export interface TracesConfig extends OtlpTarget {
  readonly sampler: SamplerConfig;
  readonly batch: {
    /** Most time between two exports, in milliseconds. */
    readonly delayMs: number;
    /** Most spans that wait; what is beyond is dropped. */
    readonly maxQueued: number;
    /** Most spans in one export. */
    readonly maxSpans: number;
  };
}

const MAX_DELAY_MS = 600_000;
const DEFAULT_DELAY_MS = 5_000;
const MAX_QUEUED = 65_536;
const DEFAULT_QUEUED = 2_048;
const DEFAULT_SPANS = 512;

/** Samplers of the specification: whether the caller's decision is followed, and the share, undefined where an argument gives it. */
const SAMPLERS: Readonly<Record<string, readonly [followsCaller: boolean, ratio: number | undefined]>> = {
  always_on: [false, 1],
  always_off: [false, 0],
  traceidratio: [false, undefined],
  parentbased_always_on: [true, 1],
  parentbased_always_off: [true, 0],
  parentbased_traceidratio: [true, undefined],
};

/** How spans are exported; undefined when they are not. */
export function tracesConfig(variables: TelemetryVariables): TracesConfig | undefined {
  const target = otlpTarget(variables, "TRACES");
  if (target === undefined) return undefined;
  const maxQueued = variables.integer(["OTEL_BSP_MAX_QUEUE_SIZE"], [1, MAX_QUEUED], DEFAULT_QUEUED);
  const most = Math.min(DEFAULT_SPANS, maxQueued);
  warnOfPropagators(variables);
  return {
    ...target,
    sampler: samplerOf(variables),
    batch: {
      delayMs: variables.integer(["OTEL_BSP_SCHEDULE_DELAY"], [1, MAX_DELAY_MS], DEFAULT_DELAY_MS),
      maxQueued,
      maxSpans: variables.integer(["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"], [1, maxQueued], most),
    },
  };
}

function samplerOf(variables: TelemetryVariables): SamplerConfig {
  const name = variables.text("OTEL_TRACES_SAMPLER") ?? "parentbased_always_on";
  const known = Object.hasOwn(SAMPLERS, name) ? SAMPLERS[name] : undefined;
  if (known === undefined) {
    const names = Object.keys(SAMPLERS).join(", ");
    variables.warn("OTEL_TRACES_SAMPLER", `is none of ${names}; parentbased_always_on is used`);
  }
  const [followsCaller, ratio = shareOf(variables)] = known ?? [true, 1];
  return { followsCaller, ratio };
}

function shareOf(variables: TelemetryVariables): number {
  const text = variables.text("OTEL_TRACES_SAMPLER_ARG");
  if (text === undefined) return 1;
  const share = Number(text);
  if (share >= 0 && share <= 1) return share;
  variables.warn("OTEL_TRACES_SAMPLER_ARG", "is no number from 0 to 1; 1 is used");
  return 1;
}

/** Baggage is on by default elsewhere and asks for nothing here. */
const PROPAGATORS: readonly string[] = ["tracecontext", "baggage", "none"];

function warnOfPropagators(variables: TelemetryVariables): void {
  const names =
    variables
      .text("OTEL_PROPAGATORS")
      ?.split(",")
      .map((name) => name.trim().toLowerCase()) ?? [];
  if (names.every((name) => PROPAGATORS.includes(name))) return;
  variables.warn("OTEL_PROPAGATORS", "names more than tracecontext, the only one that this service reads");
}
