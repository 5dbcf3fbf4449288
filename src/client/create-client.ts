import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { type CallOptions, type Client, createClient as createServiceClient } from "@connectrpc/connect";
import type { Event } from "../../gen/infobip/events/v1/event_pb.js";
import { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import { MessagesService } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import { isReadable } from "./clear-text.ts";
import type { ClientOptions } from "./client-options.ts";
import type { ClosableTransport } from "./closable-transport.ts";
import { consume } from "./consume.ts";
import type { ConsumerSession } from "./consumer-session.ts";
import { guardedTransport } from "./guarded-transport.ts";
import { type ClientPorts, SYSTEM_PORTS } from "./ports.ts";
import { subscribe } from "./subscribe.ts";
import type { ConsumeOptions, Delivery, SubscribeOptions } from "./subscribe-options.ts";
import { watch } from "./watch.ts";
import type { WatchOptions } from "./watch-options.ts";

const MAX_RECEIVE_BYTES = 64 * 1024 * 1024;

type Methods = (typeof MessagesService)["method"] & (typeof EventsService)["method"];
type Call<M extends keyof Methods> = (
  request: MessageInitShape<Methods[M]["input"]>,
  options?: CallOptions,
) => Promise<MessageShape<Methods[M]["output"]>>;

/** A client of the service. Every call fails with an InfobipRpcError. */
export interface InfobipRpcClient extends AsyncDisposable {
  /** Every method of MessagesService. */
  readonly messages: Client<typeof MessagesService>;
  /** Every method of EventsService, streams as they are on the wire. */
  readonly events: Client<typeof EventsService>;
  readonly sendMessages: Call<"sendMessages">;
  readonly submitMessages: Call<"submitMessages">;
  readonly getSubmission: Call<"getSubmission">;
  readonly validateMessages: Call<"validateMessages">;
  readonly getMessage: Call<"getMessage">;
  readonly listEvents: Call<"listEvents">;
  readonly createSubscription: Call<"createSubscription">;
  /**
   * Events as they come, each once and in order. A stream that ends is opened again after the last event that was
   * handled, with growing waits and for ever; what will not pass by itself, such as CURSOR_EXPIRED, is thrown.
   */
  watchEvents(options?: WatchOptions): AsyncGenerator<Event, void>;
  /**
   * Events of a subscription, each until one of its consumers acknowledges it. At least once: after a lost connection
   * an event may come again, with the same id. A stream that ends is opened again as by {@link watchEvents}.
   */
  subscribe(options: SubscribeOptions): AsyncGenerator<Delivery, void>;
  /** As {@link subscribe}, with a handler for each event. Resolves when the signal has aborted and all is settled. */
  consume(options: ConsumeOptions): Promise<void>;
  /** Ends subscriptions in order and everything else at once; then closes the connections. */
  close(): Promise<void>;
}

/**
 * Makes a client. Connects at the first call; the libraries of the transport are loaded then, too. Throws a TypeError
 * when a token would go to another machine without TLS.
 */
export function createClient(options: ClientOptions): InfobipRpcClient {
  if (options.token !== undefined && options.insecureToken !== true && isReadable(options)) {
    throw new TypeError("the token would go over the network in the clear; set tls, or insecureToken");
  }
  return new DefaultClient(options, SYSTEM_PORTS);
}

/** The client, with time and chance given to it. */
export class DefaultClient implements InfobipRpcClient {
  readonly messages: Client<typeof MessagesService>;
  readonly events: Client<typeof EventsService>;
  readonly sendMessages: Call<"sendMessages">;
  readonly submitMessages: Call<"submitMessages">;
  readonly getSubmission: Call<"getSubmission">;
  readonly validateMessages: Call<"validateMessages">;
  readonly getMessage: Call<"getMessage">;
  readonly listEvents: Call<"listEvents">;
  readonly createSubscription: Call<"createSubscription">;
  readonly #ports: ClientPorts;
  readonly #closing = new AbortController();
  readonly #closed = new AbortController();
  readonly #sessions = new Set<ConsumerSession>();
  #transport: Promise<ClosableTransport> | undefined;

  constructor(options: ClientOptions, ports: ClientPorts) {
    this.#ports = ports;
    const { token, timeoutMs } = options;
    const load = (): Promise<ClosableTransport> => {
      this.#transport ??= loadTransport(options);
      return this.#transport;
    };
    const transport = guardedTransport(load, { token, timeoutMs, closed: this.#closed.signal });
    this.messages = createServiceClient(MessagesService, transport);
    this.events = createServiceClient(EventsService, transport);
    const { sendMessages, submitMessages, getSubmission, validateMessages } = this.messages;
    const { getMessage, listEvents, createSubscription } = this.events;
    this.sendMessages = sendMessages;
    this.submitMessages = submitMessages;
    this.getSubmission = getSubmission;
    this.validateMessages = validateMessages;
    this.getMessage = getMessage;
    this.listEvents = listEvents;
    this.createSubscription = createSubscription;
  }

  watchEvents(options: WatchOptions = {}): AsyncGenerator<Event, void> {
    return watch({ events: this.events, ports: this.#ports, closed: this.#closing.signal }, options);
  }

  subscribe(options: SubscribeOptions): AsyncGenerator<Delivery, void> {
    const closing = this.#closing.signal;
    return subscribe({ events: this.events, ports: this.#ports, closing, sessions: this.#sessions }, options);
  }

  consume(options: ConsumeOptions): Promise<void> {
    return consume(this.subscribe(options), options);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#sessions].map((session) => session.close()));
    this.#closed.abort();
    const transport = await this.#transport?.catch(() => undefined);
    transport?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function loadTransport(options: ClientOptions): Promise<ClosableTransport> {
  const maxReceiveBytes = options.maxReceiveBytes ?? MAX_RECEIVE_BYTES;
  if (options.transport === "connect") {
    const { connectTransport } = await import("./connect-transport.ts");
    return connectTransport(options, maxReceiveBytes);
  }
  const { grpcTransport } = await import("./grpc-transport.ts");
  return grpcTransport(options, maxReceiveBytes);
}
