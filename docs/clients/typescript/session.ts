import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  AckFailureReason,
  type AckResult,
  type SubscribeRequestSchema,
  type SubscribeResponse,
} from "./build/infobip/events/v1/subscribe_pb.js";
import type { DeliveredEvent } from "./build/infobip/events/v1/subscription_pb.js";
import { Queue, SILENCE_MS } from "./streams.ts";

/** One Subscribe stream: its sending side, and what is left to do before it may end. */
export class Session {
  readonly requests = new Queue<MessageInitShape<typeof SubscribeRequestSchema>>();
  isLast = false;
  #isDraining = false;
  #unconfirmed = 0;
  readonly #handle: (delivered: DeliveredEvent) => boolean;
  // Pings keep the lease while there is nothing to acknowledge.
  readonly #pings = setInterval(() => {
    this.requests.push({ frame: { case: "ping", value: {} } });
  }, SILENCE_MS / 3);

  /** handle() does the work of one event; gives true when it was the last one. */
  constructor(subscription: string, handle: (delivered: DeliveredEvent) => boolean) {
    this.#handle = handle;
    const progressInterval = durationFromMs(SILENCE_MS / 3);
    const value = { subscription, clientId: "example", progressInterval };
    this.requests.push({ frame: { case: "start", value } });
  }

  get isSettled(): boolean {
    return this.#unconfirmed === 0;
  }

  take(frame: SubscribeResponse["frame"]): void {
    if (frame.case === "events") for (const delivered of frame.value.events) this.#deliver(delivered);
    if (frame.case === "ackResult") this.#confirm(frame.value);
    if (frame.case === "draining") this.#isDraining = true;
    // Closing our side ends the session in order; then the stream ends.
    if ((this.isLast || this.#isDraining) && this.isSettled) this.close();
  }

  #deliver(delivered: DeliveredEvent): void {
    if (this.#handle(delivered)) this.isLast = true;
    this.#ack([delivered.event?.id ?? ""]);
  }

  #ack(eventIds: string[]): void {
    this.requests.push({ frame: { case: "ack", value: { eventIds } } });
    this.#unconfirmed++;
  }

  /** Takes the answer to one ack, and repeats what could not be stored. */
  #confirm({ failures }: AckResult): void {
    this.#unconfirmed--;
    const failed = failures.filter(({ reason }) => reason === AckFailureReason.LOG_UNAVAILABLE);
    if (failed.length > 0) this.#ack(failed.map(({ eventId }) => eventId));
  }

  close(): void {
    clearInterval(this.#pings);
    this.requests.close();
  }
}
