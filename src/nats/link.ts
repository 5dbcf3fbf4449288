import { errors, type Msg, type NatsConnection, type Status } from "@nats-io/transport-node";
import { systemTimer } from "../timer.ts";
import { emptyAnswer } from "./jetstream-answer.ts";
import { connectError } from "./nats-connect-error.ts";
import { logUnavailable } from "./nats-errors.ts";
import type { LinkHealth, NatsLink } from "./nats-link.ts";
import type { NatsOptions } from "./nats-options.ts";
import type { Protocol } from "./protocol.ts";
import type { GrowingWaits } from "./reconnect-waits.ts";
import { PendingReply, ReplyInbox } from "./reply-inbox.ts";

/** Most characters of a server's text that are kept. */
const MAX_TEXT_LENGTH = 300;

/** What a {@link Link} is made of: a connection that stands. */
export interface LinkParts {
  readonly connection: NatsConnection;
  readonly protocol: Protocol;
  readonly servers: readonly string[];
  readonly waits: GrowingWaits;
  readonly options: NatsOptions;
  readonly refusedAttempts: number;
}

/** A connection to NATS, and what is known about it. */
export class Link implements NatsLink {
  readonly connection: NatsConnection;
  readonly failed: Promise<Error>;
  readonly #parts: LinkParts;
  readonly #inbox: ReplyInbox;
  readonly #onReconnected = new Set<() => void>();
  readonly #onDisconnected = new Set<() => void>();
  readonly #fail: (error: Error) => void;
  #maxPayload: number;
  #serverVersion: string;
  #lastRefusal: string | undefined;
  #lastDialError: Error | undefined;
  /** Attempts in a row that were refused for the credentials. */
  #refused = 0;
  #isClosing = false;

  constructor(parts: LinkParts) {
    this.connection = parts.connection;
    this.#parts = parts;
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.failed = promise;
    this.#fail = resolve;
    this.#maxPayload = parts.protocol.info?.max_payload ?? 0;
    this.#serverVersion = parts.protocol.info?.version ?? "";
    parts.waits.reset();
    parts.protocol.watcher = {
      status: (status) => this.#status(status),
      dialFailed: (error) => this.#dialFailed(error),
    };
    void parts.protocol.closed.then((error) => this.#closed(error));
    const { requestTimeoutMs, maxInFlightBytes } = parts.options;
    this.#inbox = new ReplyInbox(this, { requestTimeoutMs, maxInFlightBytes, timer: systemTimer });
  }

  get isConnected(): boolean {
    return this.#parts.protocol.connected && !this.#parts.protocol.isClosed();
  }

  get maxPayload(): number {
    return this.#maxPayload;
  }

  get serverVersion(): string {
    return this.#serverVersion;
  }

  get lastRefusal(): string | undefined {
    return this.#lastRefusal;
  }

  health(): LinkHealth {
    if (this.isConnected) return { ok: true };
    const detail = this.#lastDialError === undefined ? "" : `: ${this.#lastDialError.message}`;
    return {
      ok: false,
      reason: `there is no connection to NATS at ${this.#parts.servers.join(", ")}${detail}`,
    };
  }

  request(subject: string, payload: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#inbox.send(subject, payload, undefined, new PendingRequest(resolve, reject));
    });
  }

  onReconnected(callback: () => void): () => void {
    this.#onReconnected.add(callback);
    return () => this.#onReconnected.delete(callback);
  }

  onDisconnected(callback: () => void): () => void {
    this.#onDisconnected.add(callback);
    return () => this.#onDisconnected.delete(callback);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    this.#inbox[Symbol.dispose]();
    await this.#parts.protocol.end();
  }

  #status(status: Status): void {
    if (status.type === "disconnect") {
      this.#lastDialError = undefined;
      for (const callback of [...this.#onDisconnected]) callback();
    } else if (status.type === "reconnect") {
      this.#reconnected();
    } else if (status.type === "error" && status.error instanceof errors.PermissionViolationError) {
      this.#lastRefusal = status.error.message.slice(0, MAX_TEXT_LENGTH);
    }
  }

  #reconnected(): void {
    const { protocol, waits } = this.#parts;
    this.#refused = 0;
    this.#lastDialError = undefined;
    this.#maxPayload = protocol.info?.max_payload ?? this.#maxPayload;
    this.#serverVersion = protocol.info?.version ?? this.#serverVersion;
    waits.reset();
    for (const callback of [...this.#onReconnected]) callback();
  }

  #dialFailed(error: Error): void {
    this.#lastDialError = error;
    const isRefused = error instanceof errors.AuthorizationError && !/timeout/i.test(error.message);
    this.#refused = isRefused ? this.#refused + 1 : 0;
    if (this.#refused >= this.#parts.refusedAttempts) void this.#parts.protocol.end(error);
  }

  #closed(cause: unknown): void {
    if (this.#isClosing) return;
    const text = cause instanceof Error ? cause.message : "the connection was closed";
    this.#inbox[Symbol.dispose]();
    const reason = this.#refused > 0 ? "CREDENTIALS_REJECTED" : "UNREACHABLE";
    this.#fail(connectError(reason, this.#parts.servers, text, cause));
  }
}

class PendingRequest extends PendingReply {
  readonly #resolve: (data: Uint8Array) => void;
  readonly #reject: (error: Error) => void;

  constructor(resolve: (data: Uint8Array) => void, reject: (error: Error) => void) {
    super();
    this.#resolve = resolve;
    this.#reject = reject;
  }

  override answered(message: Msg): void {
    const { data } = message;
    if (data.length === 0 && message.headers?.code === 503) throw logUnavailable(emptyAnswer(message));
    this.#resolve(data);
  }

  override failed(error: Error): void {
    this.#reject(error);
  }
}
