import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";
import { callEnded } from "../rpc/call-ended.ts";
import type { TraceContext } from "../rpc/trace-context.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { fleetUnreachable, ownerLost } from "./fleet-errors.ts";
import type { FleetLimits } from "./fleet-options.ts";
import { type Frame, FrameType } from "./frame.ts";
import {
  decodeCredit,
  decodeEnd,
  decodeText,
  encodeCredit,
  encodeEndWithin,
  encodeOpen,
  type Refusal,
} from "./frame-bodies.ts";
import { Inbound } from "./inbound.ts";
import { Outbound } from "./outbound.ts";
import type { PeerCall } from "./peers.ts";
import type { FrameHead, Wire } from "./wire.ts";

/** How the begin of a call went: the owner runs it; it says why not; nobody is there; it is not known. */
export type Begin = "ACCEPTED" | Refusal | "NOBODY" | "LOST";

/** What a call to another process is made of. */
export interface OutgoingCallOptions {
  readonly number: number;
  readonly owner: string;
  readonly unit: string;
  /** package.Service/Method */
  readonly method: string;
  readonly timeoutMs: number | undefined;
  /** Of the caller. */
  readonly signal: AbortSignal;
  /** Where the call stands in a trace. */
  readonly trace?: TraceContext | undefined;
  readonly limits: FleetLimits;
  readonly budget: ByteBudget;
  readonly wire: Wire;
  readonly sinceMs: number;
  /** Called once, when nothing more comes or goes. */
  readonly onEnd: (call: OutgoingCall) => void;
}

/** The caller's side of a call that another process runs. The budget has given minWindowBytes for it. */
export class OutgoingCall implements PeerCall {
  readonly #options: OutgoingCallOptions;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #begin = Promise.withResolvers<Begin>();
  #status: Uint8Array[] = [];
  #statusBytes = 0;
  #sent = 0;
  #received = 0;
  #isOver = false;
  isKnown = false;

  constructor(options: OutgoingCallOptions) {
    const { limits, budget } = options;
    this.#options = options;
    this.#inbound = new Inbound({ limits, budget, grant: (bytes) => this.#grant(bytes) });
    this.#outbound = new Outbound(0, this.#maxPartBytes, (body, isLast) =>
      this.#send({ type: FrameType.DATA, body, isLast }),
    );
  }

  get number(): number {
    return this.#options.number;
  }

  get owner(): string {
    return this.#options.owner;
  }

  get sinceMs(): number {
    return this.#options.sinceMs;
  }

  /** How it began; never rejects. */
  get begun(): Promise<Begin> {
    return this.#begin.promise;
  }

  /** Sends the begin of the call, with as much of a unary request as one frame holds. False without a connection. */
  open(request: Uint8Array | undefined): boolean {
    const { unit, method, timeoutMs, limits, signal, trace } = this.#options;
    const credit = limits.minWindowBytes;
    const first = request?.subarray(0, this.#maxPartBytes) ?? new Uint8Array();
    const body = encodeOpen({ unit, method, timeoutMs, credit, trace }, first);
    const isLast = request !== undefined && first.length === request.length;
    if (!this.#send({ type: FrameType.OPEN, body, isLast }, true)) {
      this.#over(fleetUnreachable(), "LOST");
      return false;
    }
    signal.addEventListener("abort", this.#onAbort);
    if (signal.aborted) this.#onAbort();
    return true;
  }

  /** Sends the rest of a request of which {@link open} has sent the first part. */
  async sendRest(request: Uint8Array): Promise<void> {
    if (request.length > this.#maxPartBytes) await this.#outbound.send(request, this.#maxPartBytes);
  }

  send(message: Uint8Array): Promise<void> {
    return this.#outbound.send(message);
  }

  /** Tells the owner that this process stops in so many milliseconds at the latest. */
  drain(leftMs: number): void {
    this.#send({ type: FrameType.DRAIN, body: encodeCredit(Math.ceil(leftMs)) });
  }

  /** There are no more requests, or reading them has failed. */
  endRequests(error?: ServiceError): void {
    this.#send({ type: FrameType.END, body: encodeEndWithin(error, this.#options.wire.maxBodyBytes) });
  }

  /** The next response; undefined when the call has ended well. Rejects as the call does. */
  next(): Promise<Uint8Array | undefined> {
    return this.#inbound.next();
  }

  /** Gives the call up; changes nothing once it has ended. */
  cancel(reason: ServiceError): void {
    if (this.#isOver) return;
    this.#send({ type: FrameType.CANCEL, body: encodeEndWithin(reason, this.#options.wire.maxBodyBytes) });
    this.#over(reason, "LOST");
  }

  lose(): void {
    this.cancel(ownerLost());
  }

  /** Nobody listens where the owner was: it has not run the call. */
  nobody(): void {
    this.#over(ownerLost(), this.isKnown ? "LOST" : "NOBODY");
  }

  /** The owner does not run it. */
  refused({ from, body }: Frame): void {
    if (from === this.owner) this.#over(ownerLost(), decodeText(body) as Refusal);
  }

  received(frame: Frame): void {
    if (this.#isOver || frame.from !== this.owner) return;
    if (frame.sequence !== this.#received) {
      this.lose();
      return;
    }
    this.#received = (this.#received + 1) >>> 0;
    this.#take(frame);
  }

  readonly #onAbort = (): void => this.cancel(callEnded(this.#options.signal));

  get #maxPartBytes(): number {
    return Math.min(this.#options.limits.maxPartBytes, this.#options.wire.maxBodyBytes >> 1);
  }

  #take({ type, body, isLast }: Frame): void {
    if (type === FrameType.ACCEPT) {
      this.isKnown = true;
      this.#outbound.grant(decodeCredit(body));
      this.#begin.resolve("ACCEPTED");
    } else if (type === FrameType.CREDIT) {
      this.#outbound.grant(decodeCredit(body));
    } else if (type === FrameType.DATA) {
      const error = this.#inbound.add(body, isLast);
      if (error !== undefined) this.cancel(error);
    } else if (type === FrameType.STATUS) {
      this.#takeStatus(body, isLast);
    }
  }

  #takeStatus(body: Uint8Array, isLast: boolean): void {
    this.#status.push(body);
    this.#statusBytes += body.length;
    if (this.#statusBytes > this.#options.limits.maxMessageBytes) this.lose();
    if (!isLast || this.#isOver) return;
    let error: ServiceError | undefined;
    try {
      error = decodeEnd(Buffer.concat(this.#status));
    } catch (cause) {
      error = ownerLost(cause);
    }
    this.#over(error, "LOST");
  }

  #grant(bytes: number): void {
    this.#send({ type: FrameType.CREDIT, body: encodeCredit(bytes) });
  }

  #send(head: Omit<FrameHead, "call" | "sequence" | "toCaller">, asks = false): boolean {
    if (this.#isOver) return true;
    const { wire, number, owner } = this.#options;
    const sequence = this.#sent;
    this.#sent = (this.#sent + 1) >>> 0;
    return wire.send(owner, { ...head, call: number, sequence }, asks);
  }

  #over(error: ServiceError | undefined, begin: Begin): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    this.#begin.resolve(begin);
    // What its caller has given up needs no rest; a call that failed at its owner has delivered what came before.
    this.#inbound.end(error, this.#options.signal.aborted);
    this.#outbound.stop(error ?? endedEarly());
    this.#options.onEnd(this);
  }
}

/** The error of a request that comes after the end of its call; nobody sees it. */
function endedEarly(): ServiceError {
  return new ServiceError(Code.Canceled, "CANCELLED", "the call has ended");
}
