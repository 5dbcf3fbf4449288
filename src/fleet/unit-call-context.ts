import type { CallContext, CallDrain } from "../rpc/call-context.ts";
import type { TraceContext } from "../rpc/trace-context.ts";

/** Context of a call that came from another process. Of its metadata only what the other process has read there comes along. */
export class RemoteCallContext implements CallContext {
  readonly protocolName = "nats";
  readonly signal: AbortSignal;
  readonly timeoutMs: () => number | undefined;
  readonly peer: string;
  readonly drain: CallDrain;
  readonly requestHeader = new Headers();
  readonly responseHeader = new Headers();
  readonly responseTrailer = new Headers();
  trace?: TraceContext;

  constructor(signal: AbortSignal, timeoutMs: () => number | undefined, peer: string, drain: CallDrain) {
    this.signal = signal;
    this.timeoutMs = timeoutMs;
    this.peer = peer;
    this.drain = drain;
  }
}

/** Context of a call that came to this process, with a signal that also aborts with the unit. */
export class LocalCallContext implements CallContext {
  readonly #outer: CallContext;
  readonly signal: AbortSignal;

  constructor(outer: CallContext, signal: AbortSignal) {
    this.#outer = outer;
    this.signal = signal;
  }

  readonly timeoutMs = (): number | undefined => this.#outer.timeoutMs();

  get requestHeader(): Headers {
    return this.#outer.requestHeader;
  }

  get responseHeader(): Headers {
    return this.#outer.responseHeader;
  }

  get responseTrailer(): Headers {
    return this.#outer.responseTrailer;
  }

  get protocolName(): string | undefined {
    return this.#outer.protocolName;
  }

  get peer(): string | undefined {
    return this.#outer.peer;
  }

  get drain(): CallDrain | undefined {
    return this.#outer.drain;
  }

  get trace(): TraceContext | undefined {
    return this.#outer.trace;
  }
}
