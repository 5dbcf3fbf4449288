import type { BatchObservableResult, Meter } from "@opentelemetry/api";
import type { SendQueue, SendQueueState } from "../infobip/sending/send-queue.ts";
import { Histogram } from "./histogram.ts";
import { LabelledCounter } from "./labelled-counter.ts";

/** A request to Infobip that has ended. */
export interface EndedRequest {
  readonly messages: number;
  readonly destinations: number;
  /** OK when Infobip took it, else the machine reason of the error. */
  readonly reason: string;
  /** What the error says of the messages; SENT when Infobip took the request. */
  readonly outcome: "SENT" | "NOT_SENT" | "UNKNOWN";
}

/** What is read of the queue. */
export type ObservedSendQueue = Pick<SendQueue, "state">;

const CIRCUIT_STATES: readonly SendQueueState["circuit"][] = ["closed", "open", "half-open"];
const MESSAGE_BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000];

/** Tells how messages go to Infobip. Says nothing of the queue before there is one. */
export class SendingMetrics {
  readonly #messages = new Histogram<Record<never, string>>({
    name: "infobip_rpc_upstream_request_messages",
    description: "Messages in one request that sends.",
    bounds: MESSAGE_BOUNDS,
  });
  readonly #requests = new LabelledCounter<{ outcome: string; reason: string }>();
  readonly #retries = new LabelledCounter<{ reason: string }>();
  #destinations = 0;
  #pauses = 0;
  #openings = 0;
  #queue: ObservedSendQueue | undefined;

  /** For the readers. */
  readonly histograms = [this.#messages];

  constructor() {
    this.#requests.add({ outcome: "SENT", reason: "OK" }, 0);
    // What has not happened yet counts 0, so that its first time is seen as a change.
    for (const reason of ["UPSTREAM_CREDENTIALS_REJECTED", "UPSTREAM_FORBIDDEN"]) {
      this.#requests.add({ outcome: "NOT_SENT", reason }, 0);
    }
    this.#messages.expect({});
    for (const reason of ["UPSTREAM_UNREACHABLE", "UPSTREAM_RATE_LIMITED", "UPSTREAM_FAILED"]) {
      this.#retries.add({ reason }, 0);
    }
  }

  /** The queue is open; its state is read at each scrape. */
  observe(queue: ObservedSendQueue): void {
    this.#queue = queue;
  }

  /** A request has ended. */
  readonly requestEnded = ({ messages, destinations, reason, outcome }: EndedRequest): void => {
    this.#requests.add({ outcome, reason }, 1);
    this.#messages.record({}, messages);
    this.#destinations += destinations;
  };

  /** So many calls wait for another attempt, after one that failed for this reason. */
  readonly retried = (reason: string, calls: number): void => this.#retries.add({ reason }, calls);

  /** A 429 holds everything back. */
  readonly paused = (): void => {
    this.#pauses++;
  };

  /** The circuit has changed. */
  readonly circuitChanged = (state: SendQueueState["circuit"]): void => {
    if (state === "open") this.#openings++;
  };

  /** Makes the instruments. */
  register(meter: Meter): void {
    const counter = (name: string, description: string) =>
      meter.createObservableCounter(`infobip_rpc_upstream_${name}_total`, { description });
    const retries = counter("retries", "Calls that were tried again, by the reason of the failed attempt.");
    retries.addCallback((result) => {
      for (const { labels, count } of this.#retries.series()) result.observe(count, labels);
    });
    counter(
      "requests",
      "Requests that send, by outcome and machine reason; OK for those that Infobip took.",
    ).addCallback((result) => {
      for (const { labels, count } of this.#requests.series()) result.observe(count, labels);
    });
    counter("destinations", "Destinations in requests that send, each attempt counted.").addCallback(
      (result) => result.observe(this.#destinations),
    );
    counter("pauses", "Times that a 429 of Infobip has held everything back.").addCallback((result) =>
      result.observe(this.#pauses),
    );
    counter("circuit_openings", "Times that the circuit has opened.").addCallback((result) =>
      result.observe(this.#openings),
    );
    this.#registerState(meter);
  }

  #registerState(meter: Meter): void {
    const gauge = (name: string, description: string) =>
      meter.createObservableGauge(`infobip_rpc_${name}`, { description });
    const jobs = gauge("send_queue_calls", "Calls that wait to be sent, with those between two attempts.");
    const bytes = gauge("send_queue_bytes", "Bytes of the calls that wait to be sent.");
    const age = gauge(
      "send_queue_age_seconds",
      "For how long the call that came first has waited; 0: none waits.",
    );
    const limited = gauge(
      "rate_limit_wait_seconds",
      "Time for which the rate limits, or a pause, still hold back the calls that they hold back longest.",
    );
    const requests = gauge("upstream_requests_in_flight", "Requests that send and are under way.");
    const pause = gauge("upstream_pause_seconds", "Time for which a 429 still holds everything back.");
    const circuit = gauge("upstream_circuit", "1 for the state in which the circuit is, 0 for the others.");
    const read = (result: BatchObservableResult) => {
      const state = this.#queue?.state();
      if (!state) return;
      result.observe(jobs, state.queuedJobs);
      result.observe(bytes, state.queuedBytes);
      result.observe(age, state.oldestMs / 1_000);
      result.observe(limited, state.rateLimitMs / 1_000);
      result.observe(requests, state.requests);
      result.observe(pause, state.pausedMs / 1_000);
      for (const name of CIRCUIT_STATES) {
        result.observe(circuit, name === state.circuit ? 1 : 0, { state: name });
      }
    };
    meter.addBatchObservableCallback(read, [jobs, bytes, age, limited, requests, pause, circuit]);
  }
}
