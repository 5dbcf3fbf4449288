import { setTimeout as wait } from "node:timers/promises";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type AckFailure,
  AckFailureReason,
  type SubscribeRequest,
  SubscribeRequestSchema,
  type SubscribeResponse,
} from "../../gen/infobip/events/v1/subscribe_pb.js";
import type { DeliveredEvent } from "../../gen/infobip/events/v1/subscription_pb.js";
import { connectEvents } from "../crash/events-client.ts";
import type { HistoryClock } from "../crash/history-clock.ts";
import { positionOf } from "../crash/position.ts";
import { Feed } from "../fixtures/feed.ts";
import type { SessionHow, SessionStep } from "../history/subscription-history.ts";
import { ClientPause } from "./client-pause.ts";
import { SilenceAlarm } from "./silence-alarm.ts";
import { mustBeTransient, reasonOf } from "./transient-failure.ts";

/** Silence after which a consumer that is told of progress shows that it is alive, in milliseconds. */
const PING_AFTER_MS = 5_000;
/** How long a consumer works on what a frame brings before it acknowledges, in milliseconds. */
const WORK_MS = 25;
const PROGRESS_INTERVAL = { seconds: 1n, nanos: 0 };

/** What a session works with. */
export interface ConsumerSessionParts {
  readonly subscription: string;
  readonly maxOutstanding: number;
  readonly clock: HistoryClock;
  /** Told of the number of events that were delivered. */
  readonly onDelivered: (events: number) => void;
}

type FrameInit = NonNullable<MessageInitShape<typeof SubscribeRequestSchema>["frame"]>;

/** One stream of Subscribe, whose consumer acknowledges whatever comes once it has worked on it. */
export class ConsumerSession {
  readonly steps: SessionStep[] = [];
  /** How it ended: `left`, `draining`, `silence`, or the reason or code of an error. */
  end = "left";
  readonly #parts: ConsumerSessionParts;
  readonly #address: string;
  readonly #requests = new Feed<SubscribeRequest>();
  #leftAt: number | undefined;
  #sentAt = 0;
  /** Ids of the acknowledgements that were not answered, as they stand in the steps. */
  readonly #unanswered: string[][] = [];
  readonly #pause = new ClientPause();
  readonly #over = new AbortController();

  constructor(parts: ConsumerSessionParts, address: string) {
    this.#parts = parts;
    this.#address = address;
  }

  /** Consumes until the stream ends, or the signal aborts and the service has answered everything. */
  async run(done: AbortSignal): Promise<{ how: SessionHow; endedAt: number }> {
    using client = connectEvents(this.#address);
    using alarm = new SilenceAlarm();
    const { subscription, maxOutstanding, clock } = this.#parts;
    const leave = () => this.#leave();
    done.addEventListener("abort", leave);
    this.#send({
      case: "start",
      value: { subscription, maxOutstanding, progressInterval: PROGRESS_INTERVAL },
    });
    try {
      for await (const { frame } of client.events.subscribe(this.#requests, { signal: alarm.signal })) {
        alarm.heard();
        this.#record(frame);
      }
      return { how: this.#leftAt === undefined ? "killed" : "left", endedAt: this.#leftAt ?? clock.read() };
    } catch (error) {
      if (alarm.hasRung) {
        this.end = "silence";
        return { how: "dropped", endedAt: this.#leftAt ?? clock.read() };
      }
      mustBeTransient(error);
      this.end = reasonOf(error) ?? Code[ConnectError.from(error).code];
      return { how: "killed", endedAt: this.#leftAt ?? clock.read() };
    } finally {
      done.removeEventListener("abort", leave);
      this.#over.abort();
      this.#requests.end();
    }
  }

  #record(frame: SubscribeResponse["frame"]): void {
    const at = this.#parts.clock.read();
    switch (frame.case) {
      case "events":
        this.#take(frame.value.events);
        break;
      case "ackResult":
        this.#answered(at, frame.value.failures);
        break;
      case "progress":
        this.steps.push({ at, kind: "progress", settledTo: positionOf(frame.value.cursor) });
        this.#stayAlive(at);
        break;
      case "gap":
        this.steps.push({
          at,
          kind: "gap",
          from: positionOf(frame.value.fromCursor),
          to: positionOf(frame.value.toCursor),
        });
        break;
      case "draining":
        this.end = "draining";
        this.#leave();
        break;
      default:
        break;
    }
  }

  #take(deliveries: readonly DeliveredEvent[]): void {
    const { clock, onDelivered } = this.#parts;
    const ids: string[] = [];
    for (const { event, attempt } of deliveries) {
      const id = event?.id ?? "";
      ids.push(id);
      this.steps.push({
        at: clock.read(),
        kind: "delivered",
        sequence: Number(event?.sequence),
        id,
        attempt,
      });
    }
    onDelivered(ids.length);
    void wait(WORK_MS).then(() => this.#acknowledge(ids));
  }

  #acknowledge(eventIds: readonly string[]): void {
    if (this.#leftAt !== undefined || this.#over.signal.aborted) return;
    const ids = [...eventIds];
    this.steps.push({ at: this.#parts.clock.read(), kind: "ack", ids });
    this.#unanswered.push(ids);
    this.#send({ case: "ack", value: { eventIds: ids } });
  }

  /** What could not be stored is still held, as if it had not been acknowledged: that is done again, after a while. */
  #answered(at: number, failures: readonly AckFailure[]): void {
    const { LOG_UNAVAILABLE } = AckFailureReason;
    const refused = failures.filter(({ reason }) => reason !== LOG_UNAVAILABLE);
    const unstored = failures
      .filter(({ reason }) => reason === LOG_UNAVAILABLE)
      .map(({ eventId }) => eventId);
    this.steps.push({ at, kind: "result", failures: refused.map(({ eventId }) => eventId) });
    const asked = this.#unanswered.shift() ?? [];
    if (unstored.length === 0) {
      this.#pause.reset();
      return;
    }
    const left = asked.filter((id) => !unstored.includes(id));
    asked.splice(0, asked.length, ...left);
    void this.#pause.wait(this.#over.signal).then(() => this.#acknowledge(unstored));
  }

  /** Renews the lease when nothing else has; the answer to that is progress, too. */
  #stayAlive(at: number): void {
    if (at - this.#sentAt >= PING_AFTER_MS) this.#send({ case: "ping", value: {} });
  }

  /** Closes this side; the answers to what was sent still come. */
  #leave(): void {
    this.#leftAt ??= this.#parts.clock.read();
    this.#requests.end();
  }

  #send(frame: FrameInit): void {
    this.#sentAt = this.#parts.clock.read();
    this.#requests.push(create(SubscribeRequestSchema, { frame }));
  }
}
