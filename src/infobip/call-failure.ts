/**
 * How far a call had come when it ended without a usable answer. TOKEN: waiting
 * for an access token. QUEUE: waiting for a free connection. CONNECT: waiting
 * for the connection, not a byte written. ANSWER: bytes had left.
 */
export type Phase = "TOKEN" | "QUEUE" | "CONNECT" | "ANSWER";

/**
 * Who ended a call. DEADLINE: the caller's deadline. CANCELLED: the caller.
 * LIMIT: this client's own longest call. SERVICE: the service, with its error
 * as cause.
 */
export interface Stop {
  readonly kind: "DEADLINE" | "CANCELLED" | "LIMIT" | "SERVICE";
  readonly cause?: unknown;
}

/** A call that ended without a usable answer; becomes a ServiceError at the client's edge. */
export class CallFailure extends Error {
  override readonly name = "CallFailure";
  readonly phase: Phase;
  /** Set when the call was ended from this side. */
  readonly stop: Stop | undefined;
  /** Error code of the network, TLS or HTTP layer, such as ECONNREFUSED. */
  readonly faultCode: string;

  constructor(phase: Phase, options: { readonly stop?: Stop; readonly fault?: Error | undefined } = {}) {
    super(options.fault?.message ?? `ended by ${options.stop?.kind ?? "an unknown fault"}`);
    this.phase = phase;
    this.stop = options.stop;
    this.faultCode = faultCodeOf(options.fault);
  }
}

/**
 * Only the code of the fault is kept, never the fault itself: parser errors
 * hold what the other side sent, which can be anything.
 */
function faultCodeOf(fault: Error | undefined): string {
  const code = fault && "code" in fault && typeof fault.code === "string" ? fault.code : "";
  return /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : "";
}
