import type { BatchObservableResult, Meter } from "@opentelemetry/api";
import type { EventLog } from "../eventlog/event-log.ts";

/** What is read of a log. */
export type ObservedLog = Pick<EventLog, "bounds" | "health" | "stats">;

/** Tells how the event log is. Says nothing before there is a log. */
export class LogMetrics {
  #log: ObservedLog | undefined;
  /** Position before the first record when the log was opened. */
  #earliestAtOpen = 0;

  /** The log is open. */
  observe(log: ObservedLog): void {
    this.#log = log;
    this.#earliestAtOpen = log.bounds().earliest;
  }

  /** Makes the instruments. */
  register(meter: Meter): void {
    const gauge = (name: string, description: string) =>
      meter.createObservableGauge(`infobip_rpc_eventlog_${name}`, { description });
    const head = gauge("head_sequence", "Sequence of the last event in the log.");
    const earliest = gauge("earliest_sequence", "Position before the first event that the log keeps.");
    const writable = gauge("writable", "1 when the log takes events, 0 when it does not.");
    const events = gauge("events", "Events that the log keeps.");
    const limit = gauge("retention_limit_bytes", "Storage beyond which the oldest events are removed.");
    const size = gauge("size_bytes", "Storage that the log has in use, without what is free for reuse.");
    const removed = meter.createObservableCounter("infobip_rpc_eventlog_retention_removed_total", {
      description: "Positions of the log that retention has cleared since the start; each held one event.",
    });
    const readNow = (result: BatchObservableResult) => {
      if (!this.#log) return;
      const bounds = this.#log.bounds();
      result.observe(head, bounds.head);
      result.observe(earliest, bounds.earliest);
      result.observe(removed, Math.max(0, bounds.earliest - this.#earliestAtOpen));
      result.observe(writable, this.#log.health().ok ? 1 : 0);
    };
    // A callback of its own: a log that cannot be read leaves the others as they are.
    const readStats = async (result: BatchObservableResult) => {
      if (!this.#log) return;
      const stats = await this.#log.stats();
      result.observe(events, stats.events);
      result.observe(size, stats.sizeBytes);
      result.observe(limit, stats.retention.bytes);
    };
    meter.addBatchObservableCallback(readNow, [head, earliest, removed, writable]);
    meter.addBatchObservableCallback(readStats, [events, size, limit]);
  }
}
