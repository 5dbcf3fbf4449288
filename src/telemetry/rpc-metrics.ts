import type { DescService } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { status as statusNames } from "@grpc/grpc-js";
import type { Meter } from "@opentelemetry/api";
import type { ServiceError } from "../errors.ts";
import type { CallReport } from "../server/guards.ts";
import { UNKNOWN_METHOD } from "../server/refusal.ts";
import { ATTRIBUTE, DURATION_BOUNDS, METRIC } from "./conventions.ts";
import { Histogram, type HistogramSeries, type Labels } from "./histogram.ts";
import { LabelledCounter } from "./labelled-counter.ts";

/** `grpc` for gRPC and gRPC-Web, `connectrpc` for Connect and what speaks no protocol. */
type RpcSystem = "grpc" | "connectrpc";

/** A call that a listener has refused before any implementation saw it. */
export interface RefusedCall {
  /** package.Service/Method */
  readonly method: string;
  /** grpc, grpc-web or connect. */
  readonly protocol: string;
  readonly error: Pick<ServiceError, "code" | "reason">;
}

type Series = HistogramSeries<Labels>;

/** The two series of one method that nearly all calls go to. */
interface UsualSeries {
  readonly grpc: Series | undefined;
  readonly connectrpc: Series | undefined;
}

/**
 * Counts calls: unary ones as `rpc.server.call.duration` of OpenTelemetry's
 * conventions, streams by how they ended, since their durations say nothing.
 * Names that callers make up count as `_OTHER`.
 */
export class RpcMetrics {
  readonly #durations = new Histogram<Labels>({
    name: METRIC.rpcServerCallDuration,
    description:
      "Duration of unary calls by method, protocol, status and machine reason of the error; 0 for those that were refused before they were read.",
    unit: "s",
    bounds: DURATION_BOUNDS,
  });
  readonly #streams = new LabelledCounter<Labels>();
  readonly #usual = new Map<string, UsualSeries>();
  readonly #streaming = new Set<string>();
  readonly #bidi = new Set<string>();
  #internalErrors = 0;

  /** For the readers. */
  readonly histograms = [this.#durations];

  /** `services` are those whose methods are told apart. */
  constructor(services: readonly DescService[]) {
    for (const method of services.flatMap((service) => service.methods)) {
      const name = `${method.parent.typeName}/${method.name}`;
      if (method.methodKind === "unary") {
        const of = (system: RpcSystem) => this.#durations.of(labelsOf(name, system, undefined));
        this.#usual.set(name, { grpc: of("grpc"), connectrpc: of("connectrpc") });
      } else {
        this.#streaming.add(name);
        if (method.methodKind === "bidi_streaming") this.#bidi.add(name);
        this.#streams.add(labelsOf(name, "grpc", undefined), 0);
      }
    }
  }

  /** A call that was under way has ended. */
  readonly ended = (
    report: Pick<CallReport, "method" | "code" | "reason" | "durationMs" | "protocol">,
  ): void => {
    const { method, code, reason, protocol } = report;
    const system = systemOf(protocol);
    if (code === undefined) {
      const usual = this.#usual.get(method)?.[system];
      if (usual !== undefined) {
        usual.record(report.durationMs / 1_000);
        return;
      }
    }
    const error = code === undefined ? undefined : { code, reason: reason ?? "INTERNAL" };
    this.#count(method, system, error, report.durationMs);
  };

  /** A call was refused by a listener. */
  readonly refused = ({ method, protocol, error }: RefusedCall): void => {
    // A bidirectional call is under way before its messages are read, so its end is told as well; but not where it cannot be begun.
    if (this.#bidi.has(method) && error.code !== Code.Unimplemented) return;
    this.#count(method, systemOf(protocol), error, 0);
  };

  /** Something failed by a fault of this service. */
  readonly failedInternally = (): void => {
    this.#internalErrors++;
  };

  #count(
    method: string,
    system: RpcSystem,
    error: RefusedCall["error"] | undefined,
    durationMs: number,
  ): void {
    if (this.#streaming.has(method)) {
      this.#streams.add(labelsOf(method, system, error), 1);
      return;
    }
    const name = this.#usual.has(method) ? method : UNKNOWN_METHOD;
    this.#durations.record(labelsOf(name, system, error), durationMs / 1_000);
  }

  /** Makes the instruments; the histogram needs none. */
  register(meter: Meter): void {
    meter
      .createObservableCounter("infobip_rpc_internal_errors_total", {
        description:
          "Faults of this service, in calls, sends of streams and submissions; each has its line in the log.",
      })
      .addCallback((result) => result.observe(this.#internalErrors));
    meter
      .createObservableCounter("infobip_rpc_streams_ended_total", {
        description: "Streams that have ended, by method, protocol, status and machine reason of the error.",
      })
      .addCallback((result) => {
        for (const { labels, count } of this.#streams.series()) result.observe(count, labels);
      });
  }
}

function systemOf(protocol: string): RpcSystem {
  return protocol === "connect" ? "connectrpc" : "grpc";
}

function labelsOf(method: string, system: RpcSystem, error: RefusedCall["error"] | undefined): Labels {
  return {
    [ATTRIBUTE.rpcSystemName]: system,
    [ATTRIBUTE.rpcMethod]: method,
    [ATTRIBUTE.rpcStatusCode]: error === undefined ? "OK" : (statusNames[error.code] ?? "UNKNOWN"),
    ...(error === undefined ? {} : { [ATTRIBUTE.errorType]: error.reason }),
  };
}
