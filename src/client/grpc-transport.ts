import {
  create,
  type DescMessage,
  type DescMethodStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { StreamResponse, UnaryResponse } from "@connectrpc/connect";
import {
  type CallOptions,
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
} from "@grpc/grpc-js";
import { ipTargetTls } from "../ip-target.ts";
import type { GrpcClientOptions } from "./client-options.ts";
import type { CallHeaders, ClosableTransport } from "./closable-transport.ts";
import { grpcFailure } from "./grpc-failure.ts";

/** Waits between attempts to connect, in milliseconds. */
const RECONNECT_MS = { first: 100, longest: 5_000 };
/** A connection with calls is asked for a sign of life so often, in milliseconds, and given up without an answer. */
const KEEPALIVE_MS = { every: 30_000, patience: 10_000 };

type AnyMethod = DescMethodUnary | DescMethodStreaming;
type Duplex<I extends DescMessage, O extends DescMessage> = ClientDuplexStream<
  MessageInitShape<I>,
  MessageShape<O>
>;

/** Carries calls over gRPC by grpc-js, to all addresses of the target in turn. Connects at the first call. */
export function grpcTransport(options: GrpcClientOptions, maxReceiveBytes: number): ClosableTransport {
  const channel = new Client(options.target, credentialsOf(options), {
    "grpc.max_receive_message_length": maxReceiveBytes,
    "grpc.initial_reconnect_backoff_ms": RECONNECT_MS.first,
    "grpc.max_reconnect_backoff_ms": RECONNECT_MS.longest,
    "grpc.keepalive_time_ms": KEEPALIVE_MS.every,
    "grpc.keepalive_timeout_ms": KEEPALIVE_MS.patience,
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    ...(options.tls?.serverName === undefined
      ? ipTargetTls(options.target).channel
      : { "grpc.ssl_target_name_override": options.tls.serverName }),
  });
  return {
    unary: (method, signal, timeoutMs, header, input) =>
      unary(channel, method, input, { signal, timeoutMs, header }),
    stream: async (method, signal, timeoutMs, header, input) =>
      stream(channel, method, input, { signal, timeoutMs, header }),
    close: () => channel.close(),
  };
}

interface CallBounds {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly header: CallHeaders | undefined;
}

function credentialsOf({ tls, target }: GrpcClientOptions): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const { verify } = tls.serverName === undefined ? ipTargetTls(target) : { verify: {} };
  return credentials.createSsl(bytesOf(tls.ca), bytesOf(tls.key), bytesOf(tls.cert), verify);
}

function bytesOf(pem: string | Uint8Array | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}

function unary<I extends DescMessage, O extends DescMessage>(
  channel: Client,
  method: DescMethodUnary<I, O>,
  input: MessageInitShape<I>,
  bounds: CallBounds,
): Promise<UnaryResponse<I, O>> {
  return new Promise((resolve, reject) => {
    const { serialize, deserialize } = codec(method.input, method.output);
    const call = channel.makeUnaryRequest(
      pathOf(method),
      serialize,
      deserialize,
      input,
      metadataOf(bounds.header),
      deadlineOf(bounds),
      (error, message) => {
        unlink();
        if (error) reject(grpcFailure(error));
        else resolve({ stream: false, ...answerOf(method), message: message as MessageShape<O> });
      },
    );
    const unlink = cancelOnAbort(bounds.signal, () => call.cancel());
  });
}

function stream<I extends DescMessage, O extends DescMessage>(
  channel: Client,
  method: DescMethodStreaming<I, O>,
  input: AsyncIterable<MessageInitShape<I>>,
  bounds: CallBounds,
): StreamResponse<I, O> {
  const { serialize, deserialize } = codec(method.input, method.output);
  const call: Duplex<I, O> = channel.makeBidiStreamRequest(
    pathOf(method),
    serialize,
    deserialize,
    metadataOf(bounds.header),
    deadlineOf(bounds),
  );
  // Cancelling makes the call emit an error that may come after the last reader is gone.
  call.on("error", () => undefined);
  const unlink = cancelOnAbort(bounds.signal, () => call.cancel());
  void write(call, input);
  return { stream: true, ...answerOf(method), message: read(call, unlink) };
}

async function* read<I extends DescMessage, O extends DescMessage>(
  call: Duplex<I, O>,
  unlink: () => void,
): AsyncGenerator<MessageShape<O>, void> {
  try {
    for await (const message of call) yield message as MessageShape<O>;
  } catch (error) {
    throw grpcFailure(error);
  } finally {
    unlink();
    call.cancel();
  }
}

/** Writes as fast as the connection takes it. Never rejects: the reader is told why a call failed. */
async function write<I extends DescMessage, O extends DescMessage>(
  call: Duplex<I, O>,
  input: AsyncIterable<MessageInitShape<I>>,
): Promise<void> {
  try {
    for await (const message of input) {
      if (call.destroyed) return;
      if (!call.write(message)) await untilWritable(call);
    }
    call.end();
  } catch {
    call.cancel();
  }
}

function untilWritable(call: { once(name: string, told: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ["drain", "close", "error"]) call.once(name, () => resolve());
  });
}

function cancelOnAbort(signal: AbortSignal | undefined, cancel: () => void): () => void {
  signal?.addEventListener("abort", cancel);
  if (signal?.aborted) cancel();
  return () => signal?.removeEventListener("abort", cancel);
}

function codec<I extends DescMessage, O extends DescMessage>(input: I, output: O) {
  return {
    serialize: (message: MessageInitShape<I>) => Buffer.from(toBinary(input, create(input, message))),
    deserialize: (bytes: Buffer): MessageShape<O> => fromBinary(output, bytes),
  };
}

function pathOf(method: AnyMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function answerOf<M extends AnyMethod>(method: M) {
  return { service: method.parent, method, header: new Headers(), trailer: new Headers() };
}

function metadataOf(header: CallHeaders | undefined): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of new Headers(header)) {
    metadata.add(name, name.endsWith("-bin") ? Buffer.from(value, "base64") : value);
  }
  return metadata;
}

function deadlineOf({ timeoutMs }: CallBounds): CallOptions {
  return timeoutMs === undefined || timeoutMs <= 0 ? {} : { deadline: Date.now() + timeoutMs };
}
