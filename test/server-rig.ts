import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  EventsService,
  type WatchEventsRequest,
  WatchEventsResponseSchema,
} from "../gen/infobip/events/v1/events_service_pb.js";
import {
  type SubscribeRequest,
  SubscribeRequestSchema,
  SubscribeResponseSchema,
} from "../gen/infobip/events/v1/subscribe_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import {
  MessagesService,
  SendEventsResponseSchema,
  ValidateMessagesResponseSchema,
} from "../gen/infobip/messages/v1/messages_service_pb.js";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
  type SendMessagesResponse,
  SendMessagesResponseSchema,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import { formatListenAddress } from "../src/config/listen-address.ts";
import type { ServiceError } from "../src/errors.ts";
import type { CallContext } from "../src/rpc/call-context.ts";
import type { ServiceImplementation } from "../src/rpc/service-implementation.ts";
import type { GrpcService } from "../src/server/grpc-adapter.ts";
import { createGrpcListener, type GrpcLimits, type Listener } from "../src/server/grpc-listener.ts";
import { type CallReport, guard } from "../src/server/guards.ts";
import { createHttpListener, type HttpLimits } from "../src/server/http-listener.ts";
import { bindService, type ServiceBinding } from "../src/server/service-binding.ts";
import type { TlsCredentials } from "../src/server/tls/tls-credentials.ts";
import type { Timer } from "../src/timer.ts";

/** What the fake services do; a test replaces what it looks at. */
export interface Behaviour {
  send: (request: SendMessagesRequest, context: CallContext) => Promise<SendMessagesResponse>;
  watch: (request: WatchEventsRequest, context: CallContext) => AsyncIterable<Uint8Array>;
  subscribe: (requests: AsyncIterable<SubscribeRequest>, context: CallContext) => AsyncIterable<Uint8Array>;
}

/** A whole EventsService of which a test needs only some methods; the others fail. */
export function partialEvents(
  methods: Partial<ServiceImplementation<typeof EventsService>>,
): ServiceImplementation<typeof EventsService> {
  const missing = () => {
    throw new Error("the test has not made this method");
  };
  const all = EventsService.methods.map((method) => [method.localName, missing] as const);
  return { ...Object.fromEntries(all), ...methods } as ServiceImplementation<typeof EventsService>;
}

/** As {@link partialEvents}, of MessagesService. */
export function partialMessages(
  methods: Partial<ServiceImplementation<typeof MessagesService>>,
): ServiceImplementation<typeof MessagesService> {
  const missing = () => {
    throw new Error("the test has not made this method");
  };
  const all = MessagesService.methods.map((method) => [method.localName, missing] as const);
  return { ...Object.fromEntries(all), ...methods } as ServiceImplementation<typeof MessagesService>;
}

/** Answers with the sender as bulk id. */
export function echo(request: SendMessagesRequest): Promise<SendMessagesResponse> {
  const kind = request.messages[0]?.kind;
  const bulkId = kind?.case === "message" ? (kind.value.sender ?? "") : "";
  return Promise.resolve(create(SendMessagesResponseSchema, { bulkId }));
}

/** One frame of a stream, encoded. */
export function startedFrame(cursor: string): Uint8Array {
  return toBinary(
    WatchEventsResponseSchema,
    create(WatchEventsResponseSchema, { frame: { case: "started", value: { cursor } } }),
  );
}

/** One frame of a bidirectional stream, encoded; its session id carries what a test wants to see. */
export function sessionFrame(sessionId: string): Uint8Array {
  return toBinary(
    SubscribeResponseSchema,
    create(SubscribeResponseSchema, { frame: { case: "started", value: { sessionId } } }),
  );
}

/** A request frame that keeps every rule; a fake answers it with its text. */
export function ackFrame(text: string): SubscribeRequest {
  return create(SubscribeRequestSchema, { frame: { case: "ack", value: { eventIds: [text] } } });
}

function describeFrame({ frame }: SubscribeRequest): string {
  return frame.case === "ack" ? (frame.value.eventIds[0] ?? "") : String(frame.case);
}

/** A request that keeps every rule; the sender comes back as bulk id. */
export function validRequest(sender = "sender") {
  return create(SendMessagesRequestSchema, {
    messages: [
      {
        kind: {
          case: "message",
          value: {
            channel: Channel.SMS,
            sender,
            destinations: [{ kind: { case: "toDestination", value: { to: "385000000000" } } }],
            content: { body: { type: { case: "text", value: { text: "hello" } } } },
          },
        },
      },
    ],
  });
}

/** Both listeners before one guarded fake, on free ports and a unix socket. */
export class Rig implements AsyncDisposable {
  readonly behaviour: Behaviour = {
    send: echo,
    async *watch() {
      yield startedFrame("1");
    },
    async *subscribe(requests) {
      for await (const request of requests) yield sessionFrame(describeFrame(request));
    },
  };
  readonly reports: CallReport[] = [];
  readonly refusals: { method: string; error: ServiceError }[] = [];
  readonly internalErrors: unknown[] = [];
  draining = false;
  grpcAddress = "";
  unixAddress = "";
  httpAddress = "";
  listeners: Listener[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), "infobip-rpc-"));

  static async start(
    options: {
      grpcLimits?: Partial<GrpcLimits>;
      httpLimits?: Partial<HttpLimits>;
      tls?: TlsCredentials;
      timer?: Timer;
      extra?: readonly ServiceBinding[];
      raw?: readonly GrpcService[];
      events?: Partial<ServiceImplementation<typeof EventsService>>;
      messages?: Partial<ServiceImplementation<typeof MessagesService>>;
    } = {},
  ): Promise<Rig> {
    const rig = new Rig();
    const services = [...rig.#services(options), ...(options.extra ?? [])];
    const onRefusal = (method: string, error: ServiceError) => rig.refusals.push({ method, error });
    const tcp = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
    const common = { services, onRefusal, tls: options.tls };
    const grpc = { ...common, limits: options.grpcLimits ?? {}, rawServices: options.raw ?? [] };
    rig.listeners = [
      createGrpcListener({ ...grpc, address: tcp }),
      createGrpcListener({ ...grpc, address: { kind: "unix", path: join(rig.#folder, "rpc.sock") } }),
      createHttpListener({
        ...common,
        limits: options.httpLimits ?? {},
        address: tcp,
        random: () => 0.5,
        ...(options.timer && { timer: options.timer }),
      }),
    ];
    const addresses = await Promise.all(rig.listeners.map((listener) => listener.start()));
    [rig.grpcAddress, rig.unixAddress, rig.httpAddress] = addresses.map(formatListenAddress) as [
      string,
      string,
      string,
    ];
    return rig;
  }

  get folder(): string {
    return this.#folder;
  }

  #services(others: {
    events?: Partial<ServiceImplementation<typeof EventsService>>;
    messages?: Partial<ServiceImplementation<typeof MessagesService>>;
  }): ServiceBinding[] {
    const guards = {
      skipValidation: new Set(["infobip.messages.v1.MessagesService/ValidateMessages"]),
      isDraining: () => this.draining,
      onCall: (report: CallReport) => this.reports.push(report),
      onInternalError: (error: unknown) => this.internalErrors.push(error),
      newErrorId: () => "error-id-1",
    };
    const messages = partialMessages({
      sendMessages: (request, context) => this.behaviour.send(request, context),
      validateMessages: async () => create(ValidateMessagesResponseSchema, { valid: true }),
      sendEvents: async () => create(SendEventsResponseSchema, {}),
      ...others.messages,
    });
    const events = partialEvents({
      watchEvents: (request, context) => this.behaviour.watch(request, context),
      subscribe: (requests, context) => this.behaviour.subscribe(requests, context),
      ...others.events,
    });
    return [
      bindService(MessagesService, guard(MessagesService, messages, guards)),
      bindService(EventsService, guard(EventsService, events, guards)),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.listeners.map((listener) => listener[Symbol.asyncDispose]()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A promise and the function that fulfils it. */
export function signalled<T = void>(): { promise: Promise<T>; fire: (value: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { promise, fire: resolve };
}

/** Resolves with the reason once the signal aborts. */
export function aborted(signal: AbortSignal): Promise<unknown> {
  if (signal.aborted) return Promise.resolve(signal.reason);
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(signal.reason), { once: true }),
  );
}
