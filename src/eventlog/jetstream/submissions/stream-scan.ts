import { createInbox, type Msg, type Subscription } from "@nats-io/transport-node";
import { askJetStream } from "../../../nats/jetstream-api.ts";
import type { NatsLink } from "../../../nats/nats-link.ts";
import type { Timer } from "../../../timer.ts";
import type { StoredMessage } from "./stored-message.ts";

/** Messages that are asked for at once; with the bounds of a record's message they bound what is in memory. */
const BATCH = 128;
/** Longest wait for a batch, in milliseconds. */
const BATCH_TIMEOUT_MS = 10_000;
/** Time after which the server removes the consumer when nobody asks it, in milliseconds. */
const INACTIVE_MS = 60_000;
const NANOS = 1_000_000;

/** What {@link scanStream} works with. */
export interface StreamScanParts {
  readonly link: NatsLink;
  /** Name of the stream. */
  readonly stream: string;
  readonly timer: Timer;
}

/**
 * Hands over the messages of a stream that a filter matches and that are there
 * when it begins, in order. Nobody else may remove any meanwhile. Rejects with
 * ServiceError or Error when the server does not deliver them all.
 */
export async function scanStream(
  parts: StreamScanParts,
  filter: string,
  onBatch: (messages: readonly StoredMessage[]) => Promise<void>,
): Promise<void> {
  const { link, stream } = parts;
  const { name, num_pending: count } = await askJetStream<{ name: string; num_pending: number }>(
    link,
    `CONSUMER.CREATE.${stream}`,
    {
      stream_name: stream,
      config: {
        ack_policy: "none",
        deliver_policy: "all",
        replay_policy: "instant",
        filter_subject: filter,
        inactive_threshold: INACTIVE_MS * NANOS,
        mem_storage: true,
        num_replicas: 1,
      },
    },
  );
  using scan = new Scan(parts, name);
  for (let left = count; left > 0; left -= BATCH) await onBatch(await scan.pull(Math.min(BATCH, left)));
}

class Scan implements Disposable {
  readonly #parts: StreamScanParts;
  readonly #name: string;
  readonly #inbox = createInbox();
  readonly #subscription: Subscription;
  readonly #callOffDisconnected: () => void;
  #pulls = 0;
  #delivered = 0;
  #messages: StoredMessage[] = [];
  #wanted = 0;
  #done = Promise.withResolvers<readonly StoredMessage[]>();

  constructor(parts: StreamScanParts, name: string) {
    this.#parts = parts;
    this.#name = name;
    const { link } = parts;
    this.#callOffDisconnected = link.onDisconnected(() => this.#fail("the connection to NATS was lost"));
    this.#subscription = link.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => (error === null ? this.#receive(message) : this.#fail(error.message)),
    });
  }

  /** The next messages, exactly so many. */
  async pull(count: number): Promise<readonly StoredMessage[]> {
    this.#messages = [];
    this.#wanted = count;
    this.#done = Promise.withResolvers();
    const { stream, timer } = this.#parts;
    const callOff = timer.schedule(BATCH_TIMEOUT_MS, () => this.#fail("the server does not deliver"));
    this.#pulls++;
    const request = { batch: count, expires: BATCH_TIMEOUT_MS * NANOS };
    this.#publish(`CONSUMER.MSG.NEXT.${stream}.${this.#name}`, JSON.stringify(request));
    return this.#done.promise.finally(callOff);
  }

  [Symbol.dispose](): void {
    this.#callOffDisconnected();
    // The server removes it by itself later, so it does not matter whether this arrives.
    if (this.#parts.link.isConnected)
      this.#publish(`CONSUMER.DELETE.${this.#parts.stream}.${this.#name}`, "");
    this.#subscription.unsubscribe();
  }

  #receive(message: Msg): void {
    const { subject, reply = "", headers } = message;
    if (reply === "") {
      if (subject === `${this.#inbox}.${this.#pulls}`)
        this.#fail(`the server has ended the consumer: ${headers?.code} ${headers?.description}`);
      return;
    }
    // $JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<attempt>.<sequence>.<delivery>.<time>.<pending>[.<token>]
    const marker = `.${this.#parts.stream}.${this.#name}.`;
    const [, sequence, delivery] = reply.slice(reply.indexOf(marker) + marker.length).split(".");
    if (Number(delivery) !== ++this.#delivered) {
      this.#fail(`the server has delivered ${delivery} in the place of ${this.#delivered}`);
      return;
    }
    this.#messages.push({ sequence: Number(sequence), data: message.data });
    if (this.#messages.length === this.#wanted) this.#done.resolve(this.#messages);
  }

  #fail(reason: string): void {
    this.#done.promise.catch(() => {});
    this.#done.reject(new Error(`the stream ${this.#parts.stream} cannot be read: ${reason}`));
  }

  #publish(subject: string, payload: string): void {
    this.#parts.link.connection.publish(`$JS.API.${subject}`, payload, {
      reply: `${this.#inbox}.${this.#pulls}`,
    });
  }
}
