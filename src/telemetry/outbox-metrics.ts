import type { BatchObservableResult, Meter } from "@opentelemetry/api";
import { SubmissionState, SubmissionStateSchema } from "../../gen/infobip/messages/v1/submission_pb.js";
import type { SubmissionStore } from "../eventlog/submission-store.ts";
import type { OutboxState } from "../outbox/outbox-options.ts";

/** What is read of the outbox. */
export interface ObservedOutbox {
  /** Undefined while another process has the outbox. */
  state(): Pick<OutboxState, "byState" | "bytes" | "inFlight" | "heldMs"> | undefined;
}

/** What is read of its store. */
export type ObservedSubmissions = Pick<SubmissionStore, "nextDue">;

/** Before every due time. */
const BEGINNING_MS = -1;

/** Labels of the states, without the enum's prefix. */
const STATES = SubmissionStateSchema.values
  .filter(({ number }) => number !== SubmissionState.UNSPECIFIED)
  .map(({ number, localName }) => [number as SubmissionState, localName] as const);

/** Tells how the outbox is. Says nothing before there is one. */
export class OutboxMetrics {
  readonly #now: () => number;
  #outbox: ObservedOutbox | undefined;
  #submissions: ObservedSubmissions | undefined;

  /** `now` tells Unix milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The outbox is open. */
  observe(outbox: ObservedOutbox, submissions: ObservedSubmissions): void {
    this.#outbox = outbox;
    this.#submissions = submissions;
  }

  /** Makes the instruments. */
  register(meter: Meter): void {
    const gauge = (name: string, description: string) =>
      meter.createObservableGauge(`infobip_rpc_outbox_${name}`, { description });
    const submissions = gauge("submissions", "Submissions that are kept, by state.");
    const bytes = gauge("bytes", "Bytes that are kept of all submissions.");
    const inFlight = gauge("in_flight", "Submissions that are handed over for sending.");
    const held = gauge(
      "held_seconds",
      "Time for which the outbox still waits as a whole, after an error that is not about a submission.",
    );
    const readState = (result: BatchObservableResult) => {
      const state = this.#outbox?.state();
      if (!state) return;
      for (const [number, name] of STATES) {
        result.observe(submissions, state.byState.get(number) ?? 0, { state: name });
      }
      result.observe(bytes, state.bytes);
      result.observe(inFlight, state.inFlight);
      result.observe(held, state.heldMs / 1_000);
    };
    meter.addBatchObservableCallback(readState, [submissions, bytes, inFlight, held]);
    this.#registerOverdue(meter);
  }

  /** A callback of its own: a store that cannot be read leaves the others as they are. */
  #registerOverdue(meter: Meter): void {
    const overdue = meter.createObservableGauge("infobip_rpc_outbox_overdue_seconds", {
      description: "Time for which the waiting submission that was due first has been due; 0 when none is.",
    });
    overdue.addCallback(async (result) => {
      if (!this.#submissions || this.#outbox?.state() === undefined) return;
      const dueMs = await this.#submissions.nextDue(BEGINNING_MS);
      result.observe(dueMs === undefined ? 0 : Math.max(0, this.#now() - dueMs) / 1_000);
    });
  }
}
