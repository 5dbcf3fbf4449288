import type {
  DescMessage,
  DescMethodStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { StreamResponse, Transport, UnaryResponse } from "@connectrpc/connect";
import type { CommonClientOptions } from "./client-options.ts";
import type { CallHeaders } from "./closable-transport.ts";
import { type LinkedAbort, linkedAbort } from "./linked-abort.ts";
import { InfobipRpcError } from "./rpc-error.ts";
import { isRefusedUnseen, toRpcError } from "./to-rpc-error.ts";

/** Milliseconds until a unary call fails, unless told otherwise. */
const TIMEOUT_MS = 30_000;
/** Most times that a unary call is made while connections refuse it unseen. */
const MAX_TRIES = 3;

/** What {@link guardedTransport} adds to the calls. */
export interface TransportGuards extends Pick<CommonClientOptions, "token" | "timeoutMs"> {
  /** Aborts when the client is closed. */
  readonly closed: AbortSignal;
}

/** Adds deadlines, the token and the end with the client to each call; every failure is an {@link InfobipRpcError}. */
export function guardedTransport(load: () => Promise<Transport>, guards: TransportGuards): Transport {
  return new GuardedTransport(load, guards);
}

class GuardedTransport implements Transport {
  readonly #load: () => Promise<Transport>;
  readonly #guards: TransportGuards;

  constructor(load: () => Promise<Transport>, guards: TransportGuards) {
    this.#load = load;
    this.#guards = guards;
    this.unary = this.unary.bind(this);
    this.stream = this.stream.bind(this);
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: CallHeaders | undefined,
    input: MessageInitShape<I>,
  ): Promise<UnaryResponse<I, O>> {
    const abort = this.#begin(signal);
    try {
      const transport = await this.#load();
      const limitMs = timeoutMs ?? this.#guards.timeoutMs ?? TIMEOUT_MS;
      const headers = await this.#headers(header);
      return await untilSeen(() => transport.unary(method, abort.signal, limitMs, headers, input));
    } catch (error) {
      throw this.#failure(error, method.name);
    } finally {
      abort.unlink();
    }
  }

  async stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: CallHeaders | undefined,
    input: AsyncIterable<MessageInitShape<I>>,
  ): Promise<StreamResponse<I, O>> {
    const abort = this.#begin(signal);
    try {
      const transport = await this.#load();
      const headers = await this.#headers(header);
      const response = await transport.stream(method, abort.signal, timeoutMs, headers, input);
      return { ...response, message: this.#read(response.message, abort, method.name) };
    } catch (error) {
      abort.unlink();
      throw this.#failure(error, method.name);
    }
  }

  async *#read<O extends DescMessage>(
    messages: AsyncIterable<MessageShape<O>>,
    abort: LinkedAbort,
    method: string,
  ): AsyncGenerator<MessageShape<O>, void> {
    try {
      yield* messages;
    } catch (error) {
      throw this.#failure(error, method);
    } finally {
      // A loop that is left leaves the call open otherwise.
      abort.abort();
      abort.unlink();
    }
  }

  #begin(signal: AbortSignal | undefined): LinkedAbort {
    if (this.#guards.closed.aborted) throw closedError();
    return linkedAbort(this.#guards.closed, signal);
  }

  async #headers(header: CallHeaders | undefined): Promise<Headers> {
    const headers = new Headers(header);
    const { token } = this.#guards;
    const value = typeof token === "function" ? await token() : token;
    if (value !== undefined) headers.set("authorization", `Bearer ${value}`);
    return headers;
  }

  #failure(error: unknown, method: string): InfobipRpcError {
    const failure = toRpcError(error, method);
    return this.#guards.closed.aborted && failure.domain === undefined
      ? closedError(failure.outcome, failure)
      : failure;
  }
}

/** Makes a call again that was refused unseen: an instance that stops turns clients away, and another connection does it. */
async function untilSeen<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (tries === MAX_TRIES || !isRefusedUnseen(error)) throw error;
    }
  }
}

function closedError(outcome?: InfobipRpcError["outcome"], cause?: unknown): InfobipRpcError {
  return new InfobipRpcError("CANCELLED", "CLIENT_CLOSED", "the client is closed", { outcome, cause });
}
