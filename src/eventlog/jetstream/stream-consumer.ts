import { createInbox, type Msg, type Subscription } from "@nats-io/transport-node";
import { askJetStream } from "../../nats/jetstream-api.ts";
import type { NatsLink } from "../../nats/nats-link.ts";
import type { ClockTimer } from "../../timer.ts";
import { parseDelivery, type StreamMessage } from "./stream-message.ts";

/** Most messages that are asked for at once; with as many more in memory nothing is asked for. */
export const PULL_MESSAGES = 1_000;
/** Most bytes that are asked for at once, where messages may not be larger. Prime, so that no number of equal messages comes to it. */
const PULL_BYTES = 4_194_301;
/** Time between two signs of life while there is nothing to deliver, in milliseconds. */
const HEARTBEAT_MS = 2_000;
/** Time without any sign of life after which a consumer counts as lost, in milliseconds. */
const SILENCE_MS = 3 * HEARTBEAT_MS;
/** Time after which the server forgets what it was asked for, in milliseconds. */
const PULL_EXPIRES_MS = 30_000;
/** Time after which the server removes a consumer that nobody asks, in milliseconds. */
const INACTIVE_MS = 60_000;
const NANOS = 1_000_000;

/** A consumer delivers nothing more. */
export class ConsumerEnded extends Error {
  override readonly name = "ConsumerEnded";
}

/** What a {@link StreamConsumer} works with. */
export interface StreamConsumerParts {
  readonly link: NatsLink;
  readonly stream: string;
  /** First sequence to be delivered, or the first one there is after it. */
  readonly from: number;
  readonly timer: ClockTimer;
  /** Subject of the messages, with wildcards. Default: every message of the stream. */
  readonly filter?: string;
}

interface Created {
  readonly name: string;
  readonly num_pending: number;
}

/**
 * A consumer of a stream, for as long as all goes well: it delivers every
 * message in order, and ends for any doubt. Whoever needs more opens another.
 *
 * One request is open at a time, for as much as there is room for, so that
 * memory holds two requests' worth at most. Deliveries are numbered by the
 * server without gaps; a number that is not the next one ends the consumer.
 */
export class StreamConsumer implements Disposable {
  readonly #parts: StreamConsumerParts;
  readonly #name: string;
  readonly #marker: string;
  readonly #inbox = createInbox();
  readonly #subscription: Subscription;
  readonly #callOff: () => void;
  readonly #pullBytes: number;
  /** Messages that there were when it was opened. */
  readonly pendingAtOpen: number;
  #callOffWatch: () => void = () => {};
  #messages: StreamMessage[] = [];
  #bytes = 0;
  #delivered = 0;
  #knownLast = 0;
  #pending: number;
  #pull = { id: 0, messages: 0, bytes: 0, isOpen: false };
  #heardAt: number;
  #isHeard = false;
  readonly #unhear = (): void => {
    this.#isHeard = false;
  };
  #ended: ConsumerEnded | undefined;
  #wake: (() => void) | undefined;

  /** Rejects as {@link askJetStream} does. */
  static async open(parts: StreamConsumerParts): Promise<StreamConsumer> {
    const { link, stream, from, filter } = parts;
    const created = await askJetStream<Created>(link, `CONSUMER.CREATE.${stream}`, {
      stream_name: stream,
      config: {
        ack_policy: "none",
        deliver_policy: "by_start_sequence",
        opt_start_seq: from,
        ...(filter === undefined ? {} : { filter_subject: filter }),
        replay_policy: "instant",
        inactive_threshold: INACTIVE_MS * NANOS,
        mem_storage: true,
        num_replicas: 1,
      },
    });
    return new StreamConsumer(parts, created);
  }

  private constructor(parts: StreamConsumerParts, created: Created) {
    const { link, stream, timer } = parts;
    this.#parts = parts;
    this.#name = created.name;
    this.#pending = created.num_pending;
    this.pendingAtOpen = created.num_pending;
    this.#marker = `.${stream}.${created.name}.`;
    // Room for two of the largest, so that one message always fits.
    this.#pullBytes = Math.max(PULL_BYTES, 2 * link.maxPayload);
    this.#heardAt = timer.now();
    this.#callOff = link.onDisconnected(() => this.end("the connection to NATS was lost"));
    this.#subscription = link.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) =>
        error === null ? this.#receive(message) : this.end(`the subscription has ended: ${error.message}`),
    });
    this.#watch();
    this.#ask();
  }

  /** Highest sequence that the stream is known to have had, by what was delivered. */
  get knownLast(): number {
    return this.#knownLast;
  }

  /** Messages that it has still to deliver, as the server counts them: it can be mistaken. */
  get pending(): number {
    return this.#pending;
  }

  get isEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** Everything that has come since; waits until something has. Rejects with ConsumerEnded once nothing more comes. */
  async next(): Promise<readonly StreamMessage[]> {
    while (this.#messages.length === 0) {
      if (this.#ended !== undefined) throw this.#ended;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const messages = this.#messages;
    this.#messages = [];
    this.#bytes = 0;
    this.#ask();
    return messages;
  }

  /** Ends it; what has come by then is still given out. */
  end(reason: string): void {
    this.#ended ??= new ConsumerEnded(reason);
    this.#wake?.();
  }

  /** Lets go of it; does nothing the second time. */
  [Symbol.dispose](): void {
    this.end("the consumer was closed");
    this.#callOff();
    this.#callOffWatch();
    const { link, stream } = this.#parts;
    // The server removes it by itself later, so it does not matter whether this arrives.
    if (link.isConnected) this.#publish(`CONSUMER.DELETE.${stream}.${this.#name}`, "", "deleted");
    this.#subscription.unsubscribe();
  }

  #receive(message: Msg): void {
    if (this.#ended !== undefined) return;
    this.#hear();
    const { reply } = message;
    if (reply === undefined || reply === "") {
      this.#receiveStatus(message);
      return;
    }
    const delivery = parseDelivery(reply, this.#marker);
    if (delivery === undefined) return;
    if (delivery.delivery !== this.#delivered + 1) {
      this.end(`delivery ${delivery.delivery} came after delivery ${this.#delivered}`);
      return;
    }
    this.#delivered = delivery.delivery;
    this.#pending = delivery.pending;
    this.#knownLast = Math.max(this.#knownLast, delivery.sequence + delivery.pending);
    const payload = toBuffer(message.data);
    this.#messages.push({ sequence: delivery.sequence, timeMs: delivery.timeMs, payload });
    this.#bytes += payload.length;
    this.#count(sizeOf(message));
    this.#wake?.();
  }

  /** The clock is read once for all messages that come in one piece. */
  #hear(): void {
    if (this.#isHeard) return;
    this.#isHeard = true;
    this.#heardAt = this.#parts.timer.now();
    queueMicrotask(this.#unhear);
  }

  /** Counts a message against the open request, as the server does. */
  #count(bytes: number): void {
    this.#pull.messages--;
    this.#pull.bytes -= bytes;
    if (this.#pull.messages > 0 && this.#pull.bytes > 0) return;
    this.#pull.isOpen = false;
    this.#ask();
  }

  #receiveStatus({ subject, headers }: Msg): void {
    if (headers === undefined || subject !== `${this.#inbox}.${this.#pull.id}`) return;
    const { code, description } = headers;
    if (code === 100) return;
    const isTooLarge = code === 409 && description.startsWith("Message Size Exceeds MaxBytes");
    // 408: the request has expired. Everything else is about the consumer.
    if (code !== 408 && !isTooLarge) {
      this.end(`the server has ended the consumer: ${code} ${description}`);
      return;
    }
    const isFirst = this.#pull.messages === PULL_MESSAGES;
    this.#pull.isOpen = false;
    this.#ask(isTooLarge && isFirst);
  }

  /** Asks for more when nothing is asked for and there is room. `one`: for a message of whatever size. */
  #ask(one = false): void {
    if (this.#ended !== undefined || this.#pull.isOpen) return;
    if (this.#messages.length >= PULL_MESSAGES || this.#bytes >= this.#pullBytes) return;
    if (!this.#parts.link.isConnected) {
      this.end("the connection to NATS was lost");
      return;
    }
    const messages = one ? 1 : PULL_MESSAGES;
    const bytes = one ? Number.POSITIVE_INFINITY : this.#pullBytes;
    this.#pull = { id: this.#pull.id + 1, messages, bytes, isOpen: true };
    const request = {
      batch: messages,
      ...(one ? {} : { max_bytes: bytes }),
      expires: PULL_EXPIRES_MS * NANOS,
      idle_heartbeat: HEARTBEAT_MS * NANOS,
    };
    this.#heardAt = this.#parts.timer.now();
    const subject = `CONSUMER.MSG.NEXT.${this.#parts.stream}.${this.#name}`;
    this.#publish(subject, JSON.stringify(request), String(this.#pull.id));
  }

  #publish(subject: string, payload: string, replyToken: string): void {
    const reply = `${this.#inbox}.${replyToken}`;
    this.#parts.link.connection.publish(`$JS.API.${subject}`, payload, { reply });
  }

  #watch(): void {
    const { timer } = this.#parts;
    this.#callOffWatch = timer.schedule(HEARTBEAT_MS, () => {
      const silentMs = timer.now() - this.#heardAt;
      if (this.#pull.isOpen && silentMs >= SILENCE_MS) this.end("the consumer has gone silent");
      if (this.#ended === undefined) this.#watch();
    });
  }
}

/** A view of the same bytes; nearly always they are a Buffer already, which the client's type does not show. */
function toBuffer(data: Uint8Array): Buffer {
  return data instanceof Buffer ? data : Buffer.from(data.buffer, data.byteOffset, data.length);
}

/** Bytes that the server counts for a message; the client's own type does not show that it knows them. */
function sizeOf(message: Msg): number {
  return (message as Msg & { size(): number }).size();
}
