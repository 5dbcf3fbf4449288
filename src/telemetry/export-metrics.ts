import type { Meter } from "@opentelemetry/api";
import { LabelledCounter } from "./labelled-counter.ts";

/** Counts exports of metrics. Says nothing where none are asked for. */
export class ExportMetrics {
  readonly #exports = new LabelledCounter<{ result: string }>();

  /** Metrics are going to be exported. */
  begin(): void {
    for (const result of ["ok", "failed"]) this.#exports.add({ result }, 0);
  }

  /** One export has ended. */
  ended(error: Error | undefined): void {
    this.#exports.add({ result: error === undefined ? "ok" : "failed" }, 1);
  }

  /** Makes the instrument. */
  register(meter: Meter): void {
    meter
      .createObservableCounter("infobip_rpc_metric_exports_total", {
        description: "Exports of metrics to the collector, by whether it took them.",
      })
      .addCallback((result) => {
        for (const { labels, count } of this.#exports.series()) result.observe(count, labels);
      });
  }
}
