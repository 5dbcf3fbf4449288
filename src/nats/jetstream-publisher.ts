import type { Msg } from "@nats-io/transport-node";
import { readAck } from "./jetstream-answer.ts";
import { logUnavailable, NatsFailure } from "./nats-errors.ts";
import type { NatsLink } from "./nats-link.ts";
import type { PublishAck, Publisher, PublishOptions } from "./publisher.ts";
import { PendingReply, ReplyInbox, type ReplyInboxOptions } from "./reply-inbox.ts";

/** Bounds of a publisher. */
export type PublisherOptions = ReplyInboxOptions;

/** Publishes over a link. Disposing of it rejects what is not acknowledged; the link stays open. */
export function createPublisher(link: NatsLink, options: PublisherOptions): Publisher & AsyncDisposable {
  const inbox = new ReplyInbox(link, options);
  return {
    publish: (subject, payload, publishOptions) =>
      new Promise((resolve, reject) => {
        const pending = new PendingPublish(resolve, reject);
        const headers = publishOptions === undefined ? undefined : encodeHeaders(publishOptions);
        const size = payload.length + (headers?.length ?? 0);
        if (size > link.maxPayload) pending.failed(tooLarge(size, link.maxPayload));
        else inbox.send(subject, payload, headers, pending);
      }),
    [Symbol.asyncDispose]: async () => inbox[Symbol.dispose](),
  };
}

/** Encodes headers; undefined when there are none. @throws TypeError for a name or value that headers cannot carry */
export function encodeHeaders(options: PublishOptions): Uint8Array | undefined {
  let text = "";
  if (options.id !== undefined) text += line("Nats-Msg-Id", options.id);
  if (options.expectedLast !== undefined) text += `Nats-Expected-Last-Sequence: ${options.expectedLast}\r\n`;
  if (options.expectedLastOfSubject !== undefined) {
    text += `Nats-Expected-Last-Subject-Sequence: ${options.expectedLastOfSubject}\r\n`;
  }
  if (options.expectedLastId !== undefined) text += line("Nats-Expected-Last-Msg-Id", options.expectedLastId);
  if (options.headers !== undefined) {
    for (const name in options.headers) text += line(name, options.headers[name] ?? "");
  }
  return text === "" ? undefined : Buffer.from(`NATS/1.0\r\n${text}\r\n`, "latin1");
}

class PendingPublish extends PendingReply {
  readonly #resolve: (ack: PublishAck) => void;
  readonly #reject: (error: Error) => void;

  constructor(resolve: (ack: PublishAck) => void, reject: (error: Error) => void) {
    super();
    this.#resolve = resolve;
    this.#reject = reject;
  }

  override answered(message: Msg): void {
    this.#resolve(readAck(message));
  }

  override failed(error: Error): void {
    this.#reject(error);
  }
}

const HEADER_NAME = /^[!-9;-~]+$/;
const HEADER_VALUE = /^[ -~]*$/;

function line(name: string, value: string): string {
  if (!HEADER_NAME.test(name) || !HEADER_VALUE.test(value)) {
    throw new TypeError(`header ${JSON.stringify(name)}: names and values are printable ASCII`);
  }
  return `${name}: ${value}\r\n`;
}

function tooLarge(bytes: number, max: number): Error {
  const text = `a message of ${bytes} bytes is larger than the server's max_payload of ${max}`;
  return logUnavailable(new NatsFailure("REFUSED", text));
}
