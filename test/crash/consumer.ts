import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type SubscribeRequest,
  SubscribeRequestSchema,
  type SubscribeResponse,
} from "../../gen/infobip/events/v1/subscribe_pb.js";
import type { DeliveredEvent } from "../../gen/infobip/events/v1/subscription_pb.js";
import { Feed } from "../fixtures/feed.ts";
import type { SessionHow, SessionStep, SubscribeSession } from "../history/subscription-history.ts";
import type { CrashChild } from "./crash-child.ts";
import { connectEvents } from "./events-client.ts";
import type { HistoryClock } from "./history-clock.ts";
import { positionOf } from "./position.ts";
import { isPoison } from "./reported-item.ts";

/** Chances, for each frame of events. */
const DROP = 0.08;
const LEAVE = 0.05;
/** Chance that an event is refused for nothing, and that it is kept until the session ends. */
const REFUSE = 0.05;
const KEEP = 0.05;
/** Chance that a consumer that keeps events ends, at each sign of life: what it keeps is in the way of others. */
const END_KEEPING = 0.3;

/** What consumers work with. */
export interface ConsumerParts {
  readonly name: string;
  readonly subscription: string;
  readonly clock: HistoryClock;
  readonly random: () => number;
  readonly isRedriven: (sequence: number) => boolean;
  readonly onDelivered: (item: string, attempt: number) => void;
  readonly onResult: () => void;
}

/** A consumer that acknowledges, refuses, breaks off and leaves at random, and comes again. */
export class Consumer {
  readonly sessions: SubscribeSession[] = [];
  readonly #parts: ConsumerParts;

  constructor(parts: ConsumerParts) {
    this.#parts = parts;
  }

  /** Consumes until the service is dead or the signal aborts; a careful one acknowledges everything. */
  async run(child: CrashChild, incarnation: number, done: AbortSignal, isCareful: boolean): Promise<void> {
    while (!child.dead.aborted && !done.aborted) {
      const session = new Session(this.#parts, child, isCareful);
      // Noted before it begins, so that sessions stand in the order of their beginning.
      const index = this.sessions.length;
      const record = (how: SessionHow, endedAt: number) => {
        this.sessions[index] = {
          consumer: this.#parts.name,
          incarnation,
          steps: session.steps,
          how,
          endedAt,
        };
      };
      record("killed", this.#parts.clock.read());
      const { how, endedAt } = await session.run(done);
      record(how, endedAt);
    }
  }
}

type FrameInit = NonNullable<MessageInitShape<typeof SubscribeRequestSchema>["frame"]>;

class Session {
  readonly steps: SessionStep[] = [];
  readonly #parts: ConsumerParts;
  readonly #child: CrashChild;
  readonly #isCareful: boolean;
  readonly #requests = new Feed<SubscribeRequest>();
  readonly #call = new AbortController();
  #isKeeping = false;
  #end: { how: SessionHow; endedAt: number } | undefined;

  constructor(parts: ConsumerParts, child: CrashChild, isCareful: boolean) {
    this.#parts = parts;
    this.#child = child;
    this.#isCareful = isCareful;
  }

  async run(done: AbortSignal): Promise<{ how: SessionHow; endedAt: number }> {
    using client = connectEvents(this.#child.grpc);
    const leave = () => this.#leave();
    done.addEventListener("abort", leave);
    const maxOutstanding = 1 + Math.floor(this.#parts.random() * 12);
    this.#send({ case: "start", value: { subscription: this.#parts.subscription, maxOutstanding } });
    try {
      for await (const { frame } of client.events.subscribe(this.#requests, { signal: this.#call.signal })) {
        // What comes after the connection was broken off is not seen.
        if (this.#call.signal.aborted) break;
        this.#record(frame);
      }
      return this.#end ?? this.#killed();
    } catch (error) {
      if (this.#call.signal.aborted && this.#end !== undefined) return this.#end;
      await this.#child.mustBeDead(error);
      return this.#killed();
    } finally {
      done.removeEventListener("abort", leave);
      this.#requests.end();
      this.#call.abort();
    }
  }

  /** Who has left may have been heard before the service died: others can have had what it held since then. */
  #killed(): { how: SessionHow; endedAt: number } {
    return { how: "killed", endedAt: this.#end?.endedAt ?? this.#parts.clock.read() };
  }

  #record(frame: SubscribeResponse["frame"]): void {
    const at = this.#parts.clock.read();
    switch (frame.case) {
      case "events":
        for (const delivered of frame.value.events) this.#delivered(delivered);
        this.#handle(frame.value.events);
        break;
      case "ackResult":
        this.steps.push({ at, kind: "result", failures: frame.value.failures.map(({ eventId }) => eventId) });
        this.#parts.onResult();
        break;
      case "progress":
        this.steps.push({ at, kind: "progress", settledTo: positionOf(frame.value.cursor) });
        if (this.#isKeeping) this.#keepOrEnd();
        break;
      case "gap":
        this.steps.push({
          at,
          kind: "gap",
          from: positionOf(frame.value.fromCursor),
          to: positionOf(frame.value.toCursor),
        });
        break;
      default:
        break;
    }
  }

  #delivered({ event, attempt }: DeliveredEvent): void {
    const at = this.#parts.clock.read();
    const sequence = Number(event?.sequence);
    this.steps.push({ at, kind: "delivered", sequence, id: event?.id ?? "", attempt });
    this.#parts.onDelivered(event?.callbackData ?? "", attempt);
  }

  #handle(deliveries: readonly DeliveredEvent[]): void {
    if (this.#end !== undefined) return;
    const acks: string[] = [];
    const nacks: string[] = [];
    for (const { event } of deliveries) {
      const list = this.#listFor(event?.callbackData ?? "", Number(event?.sequence), acks, nacks);
      list?.push(event?.id ?? "");
    }
    this.#settle("ack", acks);
    this.#settle("nack", nacks);
    this.#send({ case: "ping", value: {} });
    if (!this.#isCareful) this.#maybeEnd();
  }

  #listFor(item: string, sequence: number, acks: string[], nacks: string[]): string[] | undefined {
    if (this.#isCareful || this.#parts.isRedriven(sequence)) return acks;
    const chance = this.#parts.random();
    if (isPoison(item) || chance < REFUSE) return nacks;
    if (chance >= REFUSE + KEEP) return acks;
    this.#isKeeping = true;
    return undefined;
  }

  #settle(kind: "ack" | "nack", ids: string[]): void {
    if (ids.length === 0) return;
    this.steps.push({ at: this.#parts.clock.read(), kind, ids });
    this.#send({ case: kind, value: { eventIds: ids } });
  }

  #maybeEnd(): void {
    const chance = this.#parts.random();
    if (chance < DROP) this.#drop();
    else if (chance < DROP + LEAVE) this.#leave();
  }

  #keepOrEnd(): void {
    if (this.#end !== undefined) return;
    const chance = this.#parts.random();
    if (chance < END_KEEPING / 2) this.#drop();
    else if (chance < END_KEEPING) this.#leave();
    else this.#send({ case: "ping", value: {} });
  }

  #drop(): void {
    this.#end ??= { how: "dropped", endedAt: this.#parts.clock.read() };
    this.#call.abort();
  }

  /** Closes this side; the answers to what was sent still come. */
  #leave(): void {
    this.#end ??= { how: "left", endedAt: this.#parts.clock.read() };
    this.#requests.end();
  }

  #send(frame: FrameInit): void {
    this.#requests.push(create(SubscribeRequestSchema, { frame }));
  }
}
