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
import type { PeerIdentity } from "../rpc/caller.ts";
import { errorOfLeaving } from "./abort-reason.ts";
import { connectionName } from "./connection-name.ts";
import { ownErrorOf } from "./grpc-error-info.ts";
import { addHeadersToMetadata, headersFromMetadata } from "./grpc-metadata.ts";
import { peerIdentityOf } from "./peer-identity.ts";
import { connectionAged } from "./refusal.ts";

/** A grpc-js call whose messages are still bytes. */
export type GrpcCall =
  | ServerUnaryCall<Uint8Array, Uint8Array>
  | ServerWritableStream<Uint8Array, Uint8Array>
  | ServerDuplexStream<Uint8Array, Uint8Array>;

/** The object that grpc-js keeps on a call and does the work with, which its types do not tell. */
export function innerCall(call: GrpcCall): object {
  return Object(Reflect.get(call, "call"));
}

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

  get peerIdentity(): PeerIdentity | undefined {
    return peerIdentityOf(Reflect.get(this.#inner().stream, "session"));
  }

  get requestHeader(): Headers {
    this.#requestHeader ??= headersFromMetadata(this.#call.metadata);
    return this.#requestHeader;
  }

  readonly metadataValue = (name: string): string | undefined => {
    const values = this.#call.metadata.get(name);
    return values.length === 0 ? undefined : values.join(", ");
  };

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

  /** The HTTP/2 stream is on grpc-js's own call object. */
  #inner(): { readonly call: object; readonly stream: object } {
    const call = innerCall(this.#call);
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
