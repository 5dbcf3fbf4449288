import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import type { ServiceProcess } from "./service-process.ts";
import { messageNumber } from "./soak-ids.ts";

/** Codes after which a client calls again. */
const AGAIN: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.Internal,
  Code.Canceled,
  Code.Aborted,
  Code.Unknown,
]);

/** Whether an error only says that the service went away. */
export function isGone(error: unknown): boolean {
  return AGAIN.has(ConnectError.from(error).code);
}

/** One WatchEvents client that keeps its own cursor and resumes. */
export class SoakWatcher {
  readonly #service: () => Promise<ServiceProcess>;
  readonly #run: string;
  readonly #counts: Uint8Array;
  #total = 0;
  #disordered = 0;
  #lastSequence = 0n;
  #cursor: string | undefined;
  #resumes = -1;

  constructor(service: () => Promise<ServiceProcess>, run: string, events: number) {
    this.#service = service;
    this.#run = run;
    this.#counts = new Uint8Array(events);
  }

  /** Resolves when as many events came as there are messages. */
  async run(): Promise<void> {
    while (this.#total < this.#counts.length) {
      this.#resumes++;
      const { grpc } = await this.#service();
      try {
        await this.#watch(grpc);
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    }
  }

  checks(): { what: string; is: number; expected: number }[] {
    return [
      { what: "WatchEvents: events", is: this.#total, expected: this.#counts.length },
      { what: "WatchEvents: messages missing", is: this.#countOf(0), expected: 0 },
      {
        what: "WatchEvents: messages seen more than once",
        is: this.#counts.length - this.#countOf(0) - this.#countOf(1),
        expected: 0,
      },
      { what: "WatchEvents: events out of order", is: this.#disordered, expected: 0 },
      { what: "WatchEvents: resumed", is: Math.min(1, this.#resumes), expected: 1 },
    ];
  }

  async #watch(grpc: string): Promise<void> {
    const stop = new AbortController();
    const client = createClient(EventsService, createGrpcTransport({ baseUrl: `http://${grpc}` }));
    const from =
      this.#cursor === undefined
        ? ({ case: "start", value: StartPosition.EARLIEST } as const)
        : ({ case: "cursor", value: this.#cursor } as const);
    try {
      for await (const { frame } of client.watchEvents({ from }, { signal: stop.signal })) {
        if (frame.case === "draining") return;
        if (frame.case !== "events") continue;
        for (const event of frame.value.events) this.#count(event);
        this.#cursor = frame.value.events.at(-1)?.cursor;
        if (this.#total >= this.#counts.length) return;
      }
    } finally {
      stop.abort();
    }
  }

  #count(event: { readonly sequence: bigint; readonly messageId?: string }): void {
    const n = messageNumber(this.#run, event.messageId);
    this.#counts[n] = (this.#counts[n] ?? 0) + 1;
    this.#total++;
    if (event.sequence <= this.#lastSequence) this.#disordered++;
    this.#lastSequence = event.sequence;
  }

  #countOf(times: number): number {
    return this.#counts.reduce((sum, count) => sum + (count === times ? 1 : 0), 0);
  }
}
