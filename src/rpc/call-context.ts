import type { Caller, PeerIdentity } from "./caller.ts";
import type { TraceContext } from "./trace-context.ts";

/** Tells a call that the process which its client is connected to is about to stop, though the one that runs it is not. */
export interface CallDrain {
  readonly draining: boolean;
  /** Milliseconds until it stops at the latest; Infinity before it drains. */
  leftMs(): number;
  /** Calls back when draining begins; the returned function calls it off. */
  onDrain(callback: () => void): () => void;
}

/**
 * What a method implementation knows about its call, on either listener. A
 * subset of Connect's HandlerContext, so that one implementation serves both.
 */
export interface CallContext {
  /** Aborts when the client cancels, its deadline passes or the service stops. */
  readonly signal: AbortSignal;
  /** Milliseconds until the client's deadline; undefined without one. */
  readonly timeoutMs: () => number | undefined;
  /** Metadata of the request. Binary entries end in `-bin`. */
  readonly requestHeader: Headers;
  /** One entry of {@link requestHeader} without making the rest; undefined when it is not there. Not set: look there. */
  readonly metadataValue?: (name: string) => string | undefined;
  /** Metadata to send before the first response message. */
  readonly responseHeader: Headers;
  /** Metadata to send after the last response message. */
  readonly responseTrailer: Headers;
  /** Protocol of the call: grpc, grpc-web or connect. For logs and metrics only. */
  readonly protocolName?: string;
  /** Tells the client's connection from others of this process, also over unix sockets; no address. Empty or not set when it is not known. */
  readonly peer?: string;
  /** What the client's certificate says of it. Not set: there is none, or none was asked for. */
  readonly peerIdentity?: PeerIdentity;
  /** Who calls. Set by the guards; not set where everyone may call. */
  caller?: Caller;
  /** Where the call stands in a trace. Set by the guards; not set when the client tells of none and none is made. */
  trace?: TraceContext;
  /** Of the client's own process. Not set: it is this one. */
  readonly drain?: CallDrain;
}
