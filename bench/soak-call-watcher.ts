import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { type Event, EventType } from "../gen/infobip/events/v1/event_pb.js";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import { messageNumber } from "./soak-ids.ts";

/** Counts, for each message, the send results and the delivery reports that one WatchEvents stream tells. */
export class SoakCallWatcher {
  readonly #run: string;
  readonly #results: Uint8Array;
  readonly #reports: Uint8Array;
  readonly #stop = new AbortController();
  /** Events of other types. */
  #others = 0;
  #disordered = 0;
  #lastSequence = 0n;
  /** Send results and delivery reports in all. */
  results = 0;
  reports = 0;

  /** `most`: messages that the run can have. */
  constructor(run: string, most: number) {
    this.#run = run;
    this.#results = new Uint8Array(most);
    this.#reports = new Uint8Array(most);
  }

  /** Watches from the beginning of the log until it is stopped. Rejects when the stream fails. */
  async run(grpc: string): Promise<void> {
    const client = createClient(EventsService, createGrpcTransport({ baseUrl: `http://${grpc}` }));
    const from = { case: "start", value: StartPosition.EARLIEST } as const;
    try {
      for await (const { frame } of client.watchEvents({ from }, { signal: this.#stop.signal })) {
        if (frame.case === "events") for (const event of frame.value.events) this.#count(event);
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
    if (!this.#stop.signal.aborted) throw new Error("the service ended the stream of events");
  }

  stop(): void {
    this.#stop.abort();
  }

  checks(calls: number): { what: string; is: number; expected: number }[] {
    return [
      { what: "WatchEvents: send results", is: this.results, expected: calls },
      { what: "WatchEvents: messages with one send result", is: ones(this.#results), expected: calls },
      { what: "WatchEvents: delivery reports", is: this.reports, expected: calls },
      { what: "WatchEvents: messages with one delivery report", is: ones(this.#reports), expected: calls },
      { what: "WatchEvents: events of other types", is: this.#others, expected: 0 },
      { what: "WatchEvents: events out of order", is: this.#disordered, expected: 0 },
    ];
  }

  #count({ type, messageId, sequence }: Event): void {
    if (sequence <= this.#lastSequence) this.#disordered++;
    this.#lastSequence = sequence;
    const n = messageNumber(this.#run, messageId);
    if (type === EventType.SEND_RESULT) {
      this.results++;
      add(this.#results, n);
    } else if (type === EventType.DELIVERY_REPORT) {
      this.reports++;
      add(this.#reports, n);
    } else this.#others++;
  }
}

/** Counts up to 255, which is as wrong as 256. */
function add(counts: Uint8Array, n: number): void {
  counts[n] = Math.min(255, (counts[n] ?? 0) + 1);
}

function ones(counts: Uint8Array): number {
  let sum = 0;
  for (const count of counts) if (count === 1) sum++;
  return sum;
}
