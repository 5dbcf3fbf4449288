import {
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type ChannelCredentials, Client, credentials, Metadata } from "@grpc/grpc-js";
import { ipTargetTls } from "../ip-target.ts";
import type { Secret } from "../secret.ts";
import { rpcFailure } from "./rpc-failure.ts";

/** Largest message taken from the service, in bytes. */
const MAX_RECEIVE_BYTES = 64 * 1024 * 1024;
/** Longest wait between attempts to connect, in milliseconds; the commands have their own patience on top. */
const MAX_RECONNECT_DELAY_MS = 1000;

/** How the service lets the client in. */
export interface RpcAccess {
  /** Default: without TLS. */
  readonly channel?: ChannelCredentials;
  /** Sent with every call. */
  readonly token?: Secret | undefined;
}

/** Bounds of one call. */
export interface RpcOptions {
  readonly signal: AbortSignal;
  /** Milliseconds until the call fails with DEADLINE_EXCEEDED. */
  readonly timeoutMs?: number;
  /** Span that the call is made in, as W3C Trace Context writes it. */
  readonly traceparent?: string | undefined;
}

/** gRPC client for one service. All failures are CliErrors. */
export class RpcClient {
  readonly #client: Client;
  readonly #now: () => number;
  readonly #token: Secret | undefined;

  /** `target` is host:port or unix:/path. Connects at the first call. */
  constructor(target: string, now: () => number, { channel, token }: RpcAccess = {}) {
    this.#now = now;
    this.#token = token;
    this.#client = new Client(target, channel ?? credentials.createInsecure(), {
      "grpc.max_receive_message_length": MAX_RECEIVE_BYTES,
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": MAX_RECONNECT_DELAY_MS,
      ...ipTargetTls(target).channel,
    });
  }

  /** Calls a unary method. */
  unary<M extends DescMethodUnary>(
    method: M,
    request: MessageShape<M["input"]>,
    options: RpcOptions,
  ): Promise<MessageShape<M["output"]>> {
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        pathOf(method),
        (message: MessageShape<M["input"]>) => Buffer.from(toBinary(method.input, message)),
        (bytes: Buffer) => fromBinary(method.output, bytes) as MessageShape<M["output"]>,
        request,
        this.#metadata(options.traceparent),
        { deadline: this.#deadline(options) },
        (error, response) => {
          options.signal.removeEventListener("abort", cancel);
          if (error) reject(rpcFailure(error));
          else if (response) resolve(response);
        },
      );
      const cancel = (): void => call.cancel();
      options.signal.addEventListener("abort", cancel);
      if (options.signal.aborted) cancel();
    });
  }

  /** Calls a server-streaming method. Ends without an error when the signal aborts. A slow reader slows the service down. */
  async *stream<M extends DescMethodServerStreaming>(
    method: M,
    request: MessageShape<M["input"]>,
    options: RpcOptions,
  ): AsyncGenerator<MessageShape<M["output"]>, void> {
    const call = this.#client.makeServerStreamRequest(
      pathOf(method),
      (message: MessageShape<M["input"]>) => Buffer.from(toBinary(method.input, message)),
      (bytes: Buffer) => fromBinary(method.output, bytes) as MessageShape<M["output"]>,
      request,
      this.#metadata(),
      { deadline: this.#deadline(options) },
    );
    // Cancelling makes the call emit an error that may come after the last reader is gone.
    call.on("error", () => undefined);
    const cancel = (): void => call.cancel();
    options.signal.addEventListener("abort", cancel);
    try {
      if (options.signal.aborted) return;
      for await (const message of call) yield message as MessageShape<M["output"]>;
    } catch (error) {
      if (!options.signal.aborted) throw rpcFailure(error);
    } finally {
      options.signal.removeEventListener("abort", cancel);
      call.cancel();
    }
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  #metadata(traceparent?: string): Metadata {
    const metadata = new Metadata();
    if (traceparent !== undefined) metadata.set("traceparent", traceparent);
    if (this.#token !== undefined) metadata.set("authorization", `Bearer ${this.#token.reveal()}`);
    return metadata;
  }

  #deadline(options: RpcOptions): number {
    return options.timeoutMs === undefined ? Number.POSITIVE_INFINITY : this.#now() + options.timeoutMs;
  }
}

function pathOf(method: DescMethodUnary | DescMethodServerStreaming): string {
  return `/${method.parent.typeName}/${method.name}`;
}
