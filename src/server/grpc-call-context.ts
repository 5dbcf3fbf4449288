import type { EventEmitter } from "node:events";
import { constants } from "node:http2";
import {
  Metadata,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import type { ServiceError } from "../errors.ts";
import type { CallContext } from "../rpc/call-context.ts";
import { errorOfLeaving } from "./abort-reason.ts";
import { connectionName } from "./connection-name.ts";
import { ownErrorOf } from "./grpc-error-info.ts";
import { addHeadersToMetadata, headersFromMetadata } from "./grpc-metadata.ts";
import { connectionAged } from "./refusal.ts";

/** A grpc-js call whose messages are still bytes. */
export type GrpcCall =
  | ServerUnaryCall<Uint8Array, Uint8Array>
  | ServerWritableStream<Uint8Array, Uint8Array>
  | ServerDuplexStream<Uint8Array, Uint8Array>;

/**
 * CallContext of a call on grpc-js. Everything is made at first use: a call
 * that looks at no metadata pays for none.
 */
export class GrpcCallContext implements CallContext {
  readonly protocolName = "grpc";
  readonly #call: GrpcCall;
  readonly #deadlineMs: number;
  readonly #now: () => number;
  #controller: AbortController | undefined;
  #abortReason: unknown;
  #aborted = false;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;

  constructor(call: GrpcCall, now: () => number) {
    this.#call = call;
    this.#now = now;
    this.#deadlineMs = Number(call.getDeadline());
    (call as EventEmitter).once("cancelled", () => this.#onCancelled());
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  readonly timeoutMs = (): number | undefined =>
    this.#deadlineMs === Number.POSITIVE_INFINITY ? undefined : this.#deadlineMs - this.#now();

  get peer(): string {
    return connectionName(Reflect.get(this.#inner().stream, "session"));
  }

  get requestHeader(): Headers {
    this.#requestHeader ??= headersFromMetadata(this.#call.metadata);
    return this.#requestHeader;
  }

  get responseHeader(): Headers {
    this.#responseHeader ??= new Headers();
    return this.#responseHeader;
  }

  get responseTrailer(): Headers {
    this.#responseTrailer ??= new Headers();
    return this.#responseTrailer;
  }

  /** Aborts the call's signal, once. */
  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#abortReason = reason;
    this.#controller?.abort(reason);
  }

  /** The call is answered: what comes now is no cancellation. */
  finish(): void {
    this.#aborted = true;
  }

  /** Sends the response metadata that the implementation has set; `encoding` when messages may be compressed. */
  sendHeader(encoding: string | undefined): void {
    if (this.#responseHeader === undefined && encoding === undefined) return;
    const metadata = new Metadata();
    if (this.#responseHeader !== undefined) addHeadersToMetadata(this.#responseHeader, metadata);
    if (encoding !== undefined) metadata.set("grpc-encoding", encoding);
    this.#call.sendMetadata(metadata);
  }

  /** The trailers that the implementation has set. */
  trailer(): Metadata {
    const metadata = new Metadata();
    if (this.#responseTrailer !== undefined) addHeadersToMetadata(this.#responseTrailer, metadata);
    return metadata;
  }

  /** grpc-js keeps its own call object on the call, and the HTTP/2 stream on that, though their types do not say so. */
  #inner(): { readonly call: object; readonly stream: object } {
    const call: object = Object(Reflect.get(this.#call, "call"));
    return { call, stream: Object(Reflect.get(call, "stream")) };
  }

  #errorOfEnd(): ServiceError {
    const { call, stream } = this.#inner();
    const own = ownErrorOf(call);
    if (own !== undefined) return own;
    // A client that leaves, and a socket that breaks, reset the stream with a code of their own.
    return Reflect.get(stream, "rstCode") === constants.NGHTTP2_NO_ERROR
      ? connectionAged()
      : errorOfLeaving(this.timeoutMs());
  }

  // grpc-js says "cancelled" for a client that left, for a deadline that it has already answered, and after
  // every call that ended well.
  #onCancelled(): void {
    if (this.#aborted) return;
    this.abort(this.#errorOfEnd());
  }
}
