import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import type { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import {
  type SubscribeRequest,
  SubscribeRequestSchema,
  type SubscribeResponse,
} from "../../gen/infobip/events/v1/subscribe_pb.js";
import type { DeliveredEvent } from "../../gen/infobip/events/v1/subscription_pb.js";
import { ChangeNotice } from "./change-notice.ts";
import { linkedAbort } from "./linked-abort.ts";
import { OutgoingFrames } from "./outgoing-frames.ts";
import type { ClientPorts } from "./ports.ts";
import type { StreamEnd } from "./resume.ts";
import { type FrameInit, Settlements } from "./settlements.ts";
import type { Delivery, SubscribeOptions } from "./subscribe-options.ts";
import { silenceMs, untilSilent } from "./until-silent.ts";

const MAX_OUTSTANDING = 100;
const LEASE_MS = 30_000;
const PROGRESS_INTERVAL_MS = 10_000;
const SETTLE_MS = 5_000;
/** Time for the service to end a stream whose sending side is closed, in milliseconds. */
const FAREWELL_MS = 2_000;

/** What a session works with. */
export interface ConsumerSessionParts {
  readonly events: Client<typeof EventsService>;
  readonly ports: ClientPorts;
  readonly options: SubscribeOptions;
  readonly end: (told: Partial<StreamEnd>) => void;
}

/**
 * One stream of Subscribe. Frames are read all the time; what is not handed out yet is bounded by `max_outstanding`.
 * It closes itself in order when the service drains.
 */
export class ConsumerSession {
  readonly #parts: ConsumerSessionParts;
  readonly #requests = new OutgoingFrames<SubscribeRequest>();
  readonly #settlements: Settlements;
  readonly #call = linkedAbort();
  readonly #waiting: DeliveredEvent[] = [];
  readonly #notice = new ChangeNotice();
  readonly #running: Promise<void>;
  #closing: Promise<void> | undefined;
  #held = 0;
  #waitsForHeld = true;
  #isOver = false;
  #failure: unknown;
  #cancelPing: () => void = () => undefined;

  constructor(parts: ConsumerSessionParts) {
    this.#parts = parts;
    const answered = (): void => this.#notice.changed();
    this.#settlements = new Settlements((frame) => this.#send(frame), parts.ports, answered);
    this.#send(startFrame(parts.options));
    this.#pingLater();
    this.#running = this.#run();
  }

  /** Events one after the other, until the session ends or is being closed. Fails with what ended it. */
  async *deliveries(): AsyncGenerator<Delivery, void> {
    while (this.#closing === undefined && !this.#isOver) {
      const delivered = this.#waiting.shift();
      if (delivered === undefined) await this.#notice.next();
      else yield this.#handOut(delivered);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Hands out nothing more, waits for what is being settled and, unless told otherwise, for what was handed out, for
   * `settleMs`; then closes this side and reads to the end. What is left comes again and counts no attempt. Never
   * rejects.
   */
  close(waitsForHeld = true): Promise<void> {
    this.#waitsForHeld &&= waitsForHeld;
    this.#waiting.length = 0;
    this.#closing ??= this.#close();
    this.#notice.changed();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { settleMs } = this.#parts.options;
    const isUnsettled = (): boolean => this.#settlements.open > 0 || (this.#waitsForHeld && this.#held > 0);
    await this.#waitWhile(isUnsettled, settleMs ?? SETTLE_MS);
    this.#requests.end();
    await this.#waitWhile(() => true, FAREWELL_MS);
    this.#call.abort();
    await this.#running;
  }

  /** Waits while the condition holds and the stream lasts, at most so long. */
  async #waitWhile(holds: () => boolean, limitMs: number): Promise<void> {
    let isLate = false;
    const cancel = this.#parts.ports.schedule(limitMs, () => {
      isLate = true;
      this.#notice.changed();
    });
    while (!this.#isOver && !isLate && holds()) await this.#notice.next();
    cancel();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { events, ports } = this.#parts;
    try {
      const frames = events.subscribe(this.#requests, { signal: this.#call.signal });
      const limitMs = silenceMs(PROGRESS_INTERVAL_MS);
      for await (const { frame } of untilSilent(frames, limitMs, ports, this.#call.abort)) this.#take(frame);
    } catch (error) {
      this.#failure = error;
    }
    this.#isOver = true;
    this.#cancelPing();
    this.#requests.end();
    this.#settlements.end();
    this.#notice.changed();
  }

  #take(frame: SubscribeResponse["frame"]): void {
    this.#parts.end({ wasUseful: frame.case !== "started", isDraining: frame.case === "draining" });
    if (frame.case === "events" && this.#closing === undefined) this.#waiting.push(...frame.value.events);
    if (frame.case === "ackResult") this.#settlements.answered(frame.value);
    if (frame.case === "gap") {
      const { fromCursor, toCursor } = frame.value;
      this.#parts.options.onGap?.({ fromCursor, toCursor });
    }
    if (frame.case === "draining") void this.close();
    this.#notice.changed();
  }

  #handOut({ event, attempt }: DeliveredEvent): Delivery {
    if (event === undefined) throw new TypeError("a delivery without an event");
    this.#held++;
    let settled: Promise<boolean> | undefined;
    const settle = (kind: "ack" | "nack", delayMs?: number): Promise<boolean> => {
      if (settled !== undefined) return settled;
      settled = this.#settlements.settle(event.id, kind, delayMs);
      this.#held--;
      return settled;
    };
    return {
      event,
      attempt,
      ack: () => settle("ack"),
      nack: (options) => settle("nack", options?.delayMs),
    };
  }

  /** A third of the lease leaves room for two pings that are late. */
  #pingLater(): void {
    const delayMs = (this.#parts.options.leaseMs ?? LEASE_MS) / 3;
    this.#cancelPing = this.#parts.ports.schedule(delayMs, () => {
      this.#send({ case: "ping", value: {} });
      this.#pingLater();
    });
  }

  #send(frame: FrameInit): void {
    this.#requests.push(create(SubscribeRequestSchema, { frame }));
  }
}

function startFrame(options: SubscribeOptions): FrameInit {
  return {
    case: "start",
    value: {
      subscription: options.subscription,
      clientId: options.clientId,
      maxOutstanding: options.maxOutstanding ?? MAX_OUTSTANDING,
      lease: durationFromMs(options.leaseMs ?? LEASE_MS),
      progressInterval: durationFromMs(PROGRESS_INTERVAL_MS),
      includeRawBody: options.includeRawBody,
    },
  };
}
