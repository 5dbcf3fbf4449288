import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { Alarm } from "../alarm.ts";
import type { ClockTimer } from "../timer.ts";
import { logUnavailable, NatsFailure, overloaded } from "./nats-errors.ts";
import type { NatsLink } from "./nats-link.ts";

/** What a message costs in memory beside its own bytes. */
const MESSAGE_OVERHEAD_BYTES = 200;

/** Most messages that wait for their answers at once. */
const MAX_WAITING = 100_000;

/** Bounds of an inbox. */
export interface ReplyInboxOptions {
  /** Longest wait for an answer, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Most bytes that are sent and not answered; a single message may be larger. */
  readonly maxInFlightBytes: number;
  readonly timer: ClockTimer;
}

/** A message that waits for its answer. Exactly one of its methods is called, once. */
export abstract class PendingReply {
  bytes = 0;
  deadline = 0;
  /** What it throws goes to {@link PendingReply.failed}. */
  abstract answered(message: Msg): void;
  abstract failed(error: Error): void;
}

/** Headers that are encoded already, in the shape that the client library takes. */
class EncodedHeaders {
  bytes: Uint8Array = new Uint8Array(0);
  encode(): Uint8Array {
    return this.bytes;
  }
}

/**
 * Sends messages and hands each its answer. One subscription and one timer
 * serve all. While there is no connection everything is rejected at once, and
 * what waits is rejected when the connection is lost. Bytes of a message that
 * got no answer count as in flight until the server has read them, so that
 * what waits in the socket is bounded too.
 */
export class ReplyInbox implements Disposable {
  readonly #link: NatsLink;
  readonly #connection: NatsConnection;
  readonly #options: ReplyInboxOptions;
  readonly #prefix = `${createInbox()}.`;
  readonly #waiting = new Map<number, PendingReply>();
  readonly #alarm: Alarm;
  readonly #headers = new EncodedHeaders();
  readonly #publishOptions: { reply: string; headers: MsgHdrs | undefined } = {
    reply: "",
    headers: undefined,
  };
  readonly #close: () => void;
  #nextId = 1;
  #inFlightBytes = 0;
  /** Counts lost connections: what was in flight on an earlier one is not any more. */
  #epoch = 0;
  #closed: NatsFailure | undefined;

  constructor(link: NatsLink, options: ReplyInboxOptions) {
    this.#link = link;
    this.#connection = link.connection;
    this.#options = options;
    this.#alarm = new Alarm(options.timer, () => this.#expire());
    const subscription = this.#connection.subscribe(`${this.#prefix}*`, {
      callback: (error, message) => this.#received(error, message),
    });
    const offDisconnected = link.onDisconnected(() => {
      this.#failAll(
        new NatsFailure("DISCONNECTED", "the connection to NATS was lost before the answer came"),
      );
    });
    this.#close = () => {
      offDisconnected();
      if (!this.#connection.isClosed()) subscription.unsubscribe();
    };
  }

  /** Bytes that were sent and not answered. */
  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** Sends a message; messages leave in the order of the calls. Failures go to `pending` only. */
  send(subject: string, payload: Uint8Array, headers: Uint8Array | undefined, pending: PendingReply): void {
    const bytes = payload.length + (headers?.length ?? 0) + MESSAGE_OVERHEAD_BYTES;
    const refusal = this.#refusal(bytes);
    if (refusal !== undefined) {
      pending.failed(refusal);
      return;
    }
    const id = this.#nextId++;
    this.#publishOptions.reply = this.#prefix + id;
    this.#publishOptions.headers = this.#encoded(headers);
    try {
      this.#connection.publish(subject, payload, this.#publishOptions as { reply: string });
    } catch (error) {
      pending.failed(logUnavailable(error));
      return;
    }
    pending.bytes = bytes;
    pending.deadline = this.#options.timer.now() + this.#options.requestTimeoutMs;
    this.#inFlightBytes += bytes;
    this.#waiting.set(id, pending);
    this.#alarm.by(pending.deadline);
  }

  /** Rejects what waits, and everything from then on. */
  [Symbol.dispose](): void {
    if (this.#closed !== undefined) return;
    this.#closed = new NatsFailure("CLOSED", "the connection to NATS is closed");
    this.#close();
    this.#failAll(this.#closed);
  }

  #refusal(bytes: number): Error | undefined {
    if (this.#closed !== undefined) return logUnavailable(this.#closed);
    if (!this.#link.isConnected) {
      return logUnavailable(new NatsFailure("DISCONNECTED", "there is no connection to NATS"));
    }
    if (this.#waiting.size >= MAX_WAITING) return overloaded();
    const isFull = this.#inFlightBytes + bytes > this.#options.maxInFlightBytes;
    return isFull && this.#inFlightBytes > 0 ? overloaded() : undefined;
  }

  #encoded(headers: Uint8Array | undefined): MsgHdrs | undefined {
    if (headers === undefined) return undefined;
    this.#headers.bytes = headers;
    // The library only calls encode(), at once.
    return this.#headers as unknown as MsgHdrs;
  }

  #received(error: Error | null, message: Msg): void {
    if (error !== null) {
      // The subscription has ended: no answer can come any more.
      this.#closed = new NatsFailure("REFUSED", `the server refuses the inbox: ${error.message}`, error);
      this.#failAll(this.#closed);
      return;
    }
    const id = Number(message.subject.slice(this.#prefix.length));
    const pending = this.#waiting.get(id);
    if (pending === undefined) return;
    this.#waiting.delete(id);
    this.#inFlightBytes -= pending.bytes;
    try {
      pending.answered(message);
    } catch (cause) {
      pending.failed(cause instanceof Error ? cause : logUnavailable(cause));
    }
  }

  #expire(): void {
    const now = this.#options.timer.now();
    let expiredBytes = 0;
    let failure: Error | undefined;
    for (const [id, pending] of this.#waiting) {
      if (pending.deadline > now) {
        this.#alarm.by(pending.deadline);
        break;
      }
      this.#waiting.delete(id);
      expiredBytes += pending.bytes;
      failure ??= logUnavailable(this.#timedOut());
      pending.failed(failure);
    }
    if (expiredBytes > 0) void this.#releaseOnceRead(expiredBytes);
  }

  #timedOut(): NatsFailure {
    const said = this.#link.lastRefusal;
    const hint = said === undefined ? "" : `; the server said before: ${said}`;
    return new NatsFailure("TIMEOUT", `no answer within ${this.#options.requestTimeoutMs} ms${hint}`);
  }

  /** A pong tells that the server has read all that was sent before the ping. */
  async #releaseOnceRead(bytes: number): Promise<void> {
    const epoch = this.#epoch;
    try {
      await this.#connection.flush();
    } catch {
      // The connection was lost, which has released everything.
    }
    if (epoch === this.#epoch) this.#inFlightBytes -= bytes;
  }

  #failAll(cause: NatsFailure): void {
    this.#epoch += 1;
    this.#alarm.stop();
    this.#inFlightBytes = 0;
    if (this.#waiting.size === 0) return;
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    const error = logUnavailable(cause);
    for (const pending of all) pending.failed(error);
  }
}
