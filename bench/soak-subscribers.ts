import { setTimeout as wait } from "node:timers/promises";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { StartPosition } from "../gen/infobip/events/v1/positions_pb.js";
import type { SubscribeRequest } from "../gen/infobip/events/v1/subscribe_pb.js";
import type { DeliveredEvent } from "../gen/infobip/events/v1/subscription_pb.js";
import type { ServiceProcess } from "./service-process.ts";
import { messageNumber } from "./soak-ids.ts";
import { isGone } from "./soak-watcher.ts";

/** How often the end is looked for, in milliseconds. */
const POLL_MS = 200;
const SUBSCRIPTION = "subscriptions/soak";

/** What is expected of the group. */
export interface SoakPlan {
  readonly run: string;
  /** Most that there can be when the group begins; read again whenever it looks for the end. */
  readonly events: number;
  readonly consumers: number;
  /** Types of events subscribed to. Default: all. */
  readonly types?: readonly EventType[];
}

type Frame = { frame: { case: "start"; value: object } | { case: "ack"; value: object } };

/** Consumers that share one subscription and acknowledge each batch. */
export class SoakSubscribers {
  readonly #service: () => Promise<ServiceProcess>;
  readonly #plan: SoakPlan;
  /** 1 once the acknowledgement of a message's event was confirmed. */
  readonly #confirmed: Uint8Array;
  /** 1 once a message's event was delivered. */
  readonly #delivered: Uint8Array;
  readonly #stop = new AbortController();
  #confirmedCount = 0;
  #deliveries = 0;
  #firstDeliveries = 0;
  #afterConfirmation = 0;
  #failedAcks = 0;
  #countedAttempts = 0;
  #unanswered = 0;

  constructor(service: () => Promise<ServiceProcess>, plan: SoakPlan) {
    this.#service = service;
    this.#plan = plan;
    this.#confirmed = new Uint8Array(plan.events);
    this.#delivered = new Uint8Array(plan.events);
  }

  /** Messages whose acknowledgement was confirmed. */
  get confirmed(): number {
    return this.#confirmedCount;
  }

  async create(): Promise<void> {
    const client = clientOf(await this.#service());
    await client.createSubscription({
      subscription: {
        name: SUBSCRIPTION,
        maxInFlight: 10_000,
        ...(this.#plan.types && { filter: { types: [...this.#plan.types] } }),
      },
      from: { case: "start", value: StartPosition.EARLIEST },
    });
  }

  /** Resolves when every event was delivered and the subscription has nothing left. */
  async run(): Promise<void> {
    const consumers = Array.from({ length: this.#plan.consumers }, () => this.#consume());
    await Promise.race([this.#settled(), Promise.all(consumers)]);
    this.#stop.abort();
    await Promise.all(consumers);
  }

  /** Ends the group before it is through. */
  stop(): void {
    this.#stop.abort();
  }

  /** `orderly`: the service was not killed, so that every acknowledgement it stored was also answered. */
  async checks(orderly: boolean): Promise<{ what: string; is: number; expected: number }[]> {
    const { events } = this.#plan;
    const repeated = this.#deliveries - this.#firstDeliveries;
    const confirmed = {
      what: "Subscribe: acknowledgements confirmed",
      is: this.#confirmedCount,
      expected: events,
    };
    return [
      { what: "Subscribe: messages delivered", is: this.#firstDeliveries, expected: events },
      ...(orderly ? [confirmed] : []),
      {
        what: "Subscribe: repeated deliveries that no cut-off acknowledgement explains",
        is: Math.max(0, repeated - this.#unanswered),
        expected: 0,
      },
      {
        what: "Subscribe: deliveries after a confirmed acknowledgement",
        is: this.#afterConfirmation,
        expected: 0,
      },
      { what: "Subscribe: acknowledgements refused", is: this.#failedAcks, expected: 0 },
      { what: "Subscribe: attempts above 1", is: this.#countedAttempts, expected: 0 },
      { what: "Subscribe: lag at the end", is: await this.#lag(), expected: 0 },
    ];
  }

  async #settled(): Promise<void> {
    while (this.#isOpen() || (await this.#lag()) !== 0) await wait(POLL_MS);
  }

  #isOpen(): boolean {
    return !this.#stop.signal.aborted && this.#firstDeliveries < this.#plan.events;
  }

  /** Events that are not settled; -1 while the service is away. */
  async #lag(): Promise<number> {
    try {
      const { subscription } = await clientOf(await this.#service()).getSubscription({ name: SUBSCRIPTION });
      return Number(subscription?.status?.lagEvents ?? -1n);
    } catch (error) {
      if (!isGone(error)) throw error;
      return -1;
    }
  }

  async #consume(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#session(clientOf(await this.#service()));
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (!isGone(error)) throw error;
      }
    }
  }

  async #session(client: Client<typeof EventsService>): Promise<void> {
    const outbox = new Outbox();
    outbox.push({ frame: { case: "start", value: { subscription: SUBSCRIPTION, maxOutstanding: 2_500 } } });
    const waiting: DeliveredEvent[][] = [];
    try {
      for await (const { frame } of client.subscribe(outbox.frames(), { signal: this.#stop.signal })) {
        if (frame.case === "draining") outbox.close();
        if (frame.case === "events") {
          const { events } = frame.value;
          this.#take(events);
          waiting.push(events);
          outbox.push({
            frame: { case: "ack", value: { eventIds: events.map(({ event }) => event?.id ?? "") } },
          });
        }
        if (frame.case === "ackResult") {
          this.#failedAcks += frame.value.failures.length;
          this.#confirm(waiting.shift() ?? []);
        }
      }
    } finally {
      outbox.close();
      // Whether these were stored is not known: they may come once more.
      for (const events of waiting)
        this.#unanswered += events.filter((one) => !this.#isConfirmed(one)).length;
    }
  }

  #take(events: readonly DeliveredEvent[]): void {
    this.#deliveries += events.length;
    for (const one of events) {
      const n = messageNumber(this.#plan.run, one.event?.messageId);
      if (this.#delivered[n] === 0) this.#firstDeliveries++;
      this.#delivered[n] = 1;
      if (this.#isConfirmed(one)) this.#afterConfirmation++;
      if (one.attempt !== 1) this.#countedAttempts++;
    }
  }

  #confirm(events: readonly DeliveredEvent[]): void {
    for (const { event } of events) {
      const n = messageNumber(this.#plan.run, event?.messageId);
      if (this.#confirmed[n] === 0) this.#confirmedCount++;
      this.#confirmed[n] = 1;
    }
  }

  #isConfirmed({ event }: DeliveredEvent): boolean {
    return this.#confirmed[messageNumber(this.#plan.run, event?.messageId)] === 1;
  }
}

function clientOf({ grpc }: ServiceProcess): Client<typeof EventsService> {
  return createClient(EventsService, createGrpcTransport({ baseUrl: `http://${grpc}` }));
}

/** Frames on their way to the service; as many as there are batches in flight at most. */
class Outbox {
  readonly #frames: Frame[] = [];
  #wake: () => void = () => {};
  #closed = false;

  push(frame: Frame): void {
    this.#frames.push(frame);
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async *frames(): AsyncGenerator<SubscribeRequest> {
    while (true) {
      const frame = this.#frames.shift();
      if (frame !== undefined) yield frame as unknown as SubscribeRequest;
      else if (this.#closed) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
