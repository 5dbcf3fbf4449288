import {
  createRegistry,
  type DescMethodBiDiStreaming,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, encodeBinaryHeader, type Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  file_google_rpc_error_details,
  RetryInfoSchema,
} from "../gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";
import {
  EventsService,
  type WatchEventsRequest,
  WatchEventsRequestSchema,
  type WatchEventsResponse,
  WatchEventsResponseSchema,
} from "../gen/infobip/events/v1/events_service_pb.js";
import type { SubscribeRequest, SubscribeResponse } from "../gen/infobip/events/v1/subscribe_pb.js";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
  type SendMessagesResponse,
  SendMessagesResponseSchema,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import type {
  StreamMessagesRequest,
  StreamMessagesResponse,
} from "../gen/infobip/messages/v1/stream_messages_pb.js";
import type { Rig } from "./server-rig.ts";

/** Options of a call, the same for all clients. */
export interface CallOptions {
  readonly headers?: Record<string, string>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What came back from a unary call. */
export interface UnaryResult {
  readonly response: SendMessagesResponse;
  readonly header: Headers;
  readonly trailer: Headers;
}

/** A client of some make and protocol. Failures are ConnectErrors with their details. */
export interface TestClient extends Disposable {
  send(request: SendMessagesRequest, options?: CallOptions): Promise<UnaryResult>;
  watch(request: WatchEventsRequest, options?: CallOptions): AsyncIterable<WatchEventsResponse>;
  subscribe(
    requests: AsyncIterable<SubscribeRequest>,
    options?: CallOptions,
  ): AsyncIterable<SubscribeResponse>;
  streamMessages(
    requests: AsyncIterable<StreamMessagesRequest>,
    options?: CallOptions,
  ): AsyncIterable<StreamMessagesResponse>;
}

/** Makes the client for a rig; `gzip` compresses requests and accepts compressed responses. */
export type ClientFactory = (rig: Rig, gzip?: boolean) => TestClient;

/** Errors within answers are google.protobuf.Any, which JSON clients have to know. */
const JSON_OPTIONS = { registry: createRegistry(file_google_rpc_error_details) };

/** All clients in this process, by name. */
export const CLIENTS: readonly (readonly [string, ClientFactory])[] = [
  ["grpc-js over TCP", (rig, gzip) => new GrpcJsClient(rig.grpcAddress, gzip)],
  ["grpc-js over a unix socket", (rig, gzip) => new GrpcJsClient(rig.unixAddress, gzip)],
  [
    "connect-node, gRPC, gRPC listener",
    (rig, gzip) => connectClient((options) => createGrpcTransport(options), rig.grpcAddress, gzip),
  ],
  [
    "connect-node, gRPC, HTTP/2",
    (rig, gzip) => connectClient((options) => createGrpcTransport(options), rig.httpAddress, gzip),
  ],
  ...(["1.1", "2"] as const).flatMap((httpVersion) => [
    [
      `connect-node, gRPC-Web, HTTP/${httpVersion}`,
      (rig: Rig, gzip?: boolean) =>
        connectClient(
          (options) => createGrpcWebTransport({ ...options, httpVersion }),
          rig.httpAddress,
          gzip,
        ),
    ] as const,
    [
      `connect-node, Connect, HTTP/${httpVersion}`,
      (rig: Rig, gzip?: boolean) =>
        connectClient(
          (options) => createConnectTransport({ ...options, httpVersion }),
          rig.httpAddress,
          gzip,
        ),
    ] as const,
    [
      `connect-node, Connect JSON, HTTP/${httpVersion}`,
      (rig: Rig, gzip?: boolean) =>
        connectClient(
          (options) =>
            createConnectTransport({
              ...options,
              httpVersion,
              useBinaryFormat: false,
              jsonOptions: JSON_OPTIONS,
            }),
          rig.httpAddress,
          gzip,
        ),
    ] as const,
  ]),
];

/** What every error of the service carries. */
export function detailsOf(error: ConnectError) {
  return {
    code: Code[error.code],
    message: error.rawMessage,
    info: error.findDetails(ErrorInfoSchema)[0],
    badRequest: error.findDetails(BadRequestSchema)[0],
    retryInfo: error.findDetails(RetryInfoSchema)[0],
  };
}

/** The error of a call that has to fail. */
export async function failure(call: Promise<unknown>): Promise<ReturnType<typeof detailsOf>> {
  const error = await call.then(
    () => {
      throw new Error("the call succeeded");
    },
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConnectError)) throw error;
  return detailsOf(error);
}

interface TransportOptions {
  baseUrl: string;
  httpVersion: "2";
  acceptCompression: (typeof compressionGzip)[];
  sendCompression?: typeof compressionGzip;
}

function connectClient(
  make: (options: TransportOptions) => Transport,
  address: string,
  gzip = false,
): TestClient {
  const transport = make({
    baseUrl: `http://${address}`,
    httpVersion: "2",
    acceptCompression: gzip ? [compressionGzip] : [],
    ...(gzip ? { sendCompression: compressionGzip } : {}),
  });
  const messages = createClient(MessagesService, transport);
  const events = createClient(EventsService, transport);
  return {
    async send(request, options) {
      let header = new Headers();
      let trailer = new Headers();
      const response = await messages.sendMessages(request, {
        ...options,
        onHeader: (value) => {
          header = value;
        },
        onTrailer: (value) => {
          trailer = value;
        },
      });
      return { response, header, trailer };
    },
    watch: (request, options) => events.watchEvents(request, options),
    subscribe: (requests, options) => events.subscribe(requests, options),
    streamMessages: (requests, options) => messages.streamMessages(requests, options),
    [Symbol.dispose]: () => undefined,
  };
}

class GrpcJsClient implements TestClient {
  readonly #client: grpc.Client;

  constructor(address: string, gzip = false) {
    this.#client = new grpc.Client(address, grpc.credentials.createInsecure(), {
      "grpc.default_compression_algorithm": gzip ? 2 : 0,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.max_receive_message_length": -1,
    });
  }

  send(request: SendMessagesRequest, options: CallOptions = {}): Promise<UnaryResult> {
    const { promise, resolve, reject } = Promise.withResolvers<UnaryResult>();
    let header = new Headers();
    let response: SendMessagesResponse | undefined;
    const call = this.#client.makeUnaryRequest(
      `/${MessagesService.typeName}/SendMessages`,
      (message: SendMessagesRequest) => Buffer.from(toBinary(SendMessagesRequestSchema, message)),
      (bytes) => fromBinary(SendMessagesResponseSchema, bytes),
      request,
      metadataOf(options),
      callOptions(options),
      (error, value) => {
        if (error !== null) reject(toConnect(error));
        response = value;
      },
    );
    call.on("metadata", (metadata: grpc.Metadata) => {
      header = toHeaders(metadata);
    });
    call.on("status", (status: grpc.StatusObject) => {
      if (response !== undefined) resolve({ response, header, trailer: toHeaders(status.metadata) });
    });
    options.signal?.addEventListener("abort", () => call.cancel());
    return promise;
  }

  async *watch(request: WatchEventsRequest, options: CallOptions = {}): AsyncIterable<WatchEventsResponse> {
    const call = this.#client.makeServerStreamRequest(
      `/${EventsService.typeName}/WatchEvents`,
      (message: WatchEventsRequest) => Buffer.from(toBinary(WatchEventsRequestSchema, message)),
      (bytes) => fromBinary(WatchEventsResponseSchema, bytes),
      request,
      metadataOf(options),
      callOptions(options),
    );
    options.signal?.addEventListener("abort", () => call.cancel());
    try {
      for await (const frame of call) yield frame as WatchEventsResponse;
    } catch (error) {
      throw toConnect(error as grpc.ServiceError);
    } finally {
      call.cancel();
    }
  }

  subscribe(
    requests: AsyncIterable<SubscribeRequest>,
    options: CallOptions = {},
  ): AsyncIterable<SubscribeResponse> {
    return this.#bidi(EventsService.method.subscribe, requests, options);
  }

  streamMessages(
    requests: AsyncIterable<StreamMessagesRequest>,
    options: CallOptions = {},
  ): AsyncIterable<StreamMessagesResponse> {
    return this.#bidi(MessagesService.method.streamMessages, requests, options);
  }

  async *#bidi<M extends DescMethodBiDiStreaming>(
    method: M,
    requests: AsyncIterable<MessageShape<M["input"]>>,
    options: CallOptions,
  ): AsyncIterable<MessageShape<M["output"]>> {
    const call = this.#client.makeBidiStreamRequest(
      `/${method.parent.typeName}/${method.name}`,
      (message: MessageShape<M["input"]>) => Buffer.from(toBinary(method.input, message)),
      (bytes) => fromBinary(method.output, bytes),
      metadataOf(options),
      callOptions(options),
    );
    options.signal?.addEventListener("abort", () => call.cancel());
    void sendAll(requests, call);
    try {
      for await (const frame of call.iterator({ destroyOnReturn: false })) {
        yield frame as MessageShape<M["output"]>;
      }
    } catch (error) {
      throw toConnect(error as grpc.ServiceError);
    } finally {
      call.cancel();
    }
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

async function sendAll<T>(
  requests: AsyncIterable<T>,
  call: grpc.ClientDuplexStream<T, unknown>,
): Promise<void> {
  for await (const request of requests) {
    if (call.destroyed) return;
    call.write(request);
  }
  call.end();
}

function callOptions(options: CallOptions): grpc.CallOptions {
  return options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs };
}

function metadataOf(options: CallOptions): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    metadata.set(name, name.endsWith("-bin") ? Buffer.from(value, "base64") : value);
  }
  return metadata;
}

function toHeaders(metadata: grpc.Metadata): Headers {
  const headers = new Headers();
  for (const name of Object.keys(metadata.getMap())) {
    for (const value of metadata.get(name)) {
      headers.append(name, typeof value === "string" ? value : encodeBinaryHeader(value));
    }
  }
  return headers;
}

function toConnect(error: grpc.ServiceError): ConnectError {
  const bytes = error.metadata?.get("grpc-status-details-bin")[0];
  const result = new ConnectError(error.details, error.code as number as Code);
  if (bytes instanceof Buffer) {
    const status = fromBinary(StatusSchema, bytes);
    if ((status.code as number) !== error.code || status.message !== error.details) {
      throw new Error(
        `google.rpc.Status says ${status.code} ${status.message}, not ${error.code} ${error.details}`,
      );
    }
    result.details = status.details.map((any) => ({
      type: any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1),
      value: any.value,
    }));
  }
  return result;
}
