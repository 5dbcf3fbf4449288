import type { EventEmitter } from "node:events";
import { Metadata, type ServerUnaryCall, type ServerWritableStream } from "@grpc/grpc-js";
import type { CallContext } from "../rpc/call-context.ts";
import { errorOfLeaving } from "./abort-reason.ts";
import { addHeadersToMetadata, headersFromMetadata } from "./grpc-metadata.ts";

/** A grpc-js call with one request message, which is still bytes. */
export type GrpcCall = ServerUnaryCall<Uint8Array, Uint8Array> | ServerWritableStream<Uint8Array, Uint8Array>;

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

  // grpc-js says "cancelled" for a client that left, for a deadline that it has already answered, and after
  // every call that ended well.
  #onCancelled(): void {
    if (this.#aborted) return;
    this.abort(errorOfLeaving(this.timeoutMs()));
  }
}
