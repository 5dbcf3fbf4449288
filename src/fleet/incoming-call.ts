import { fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { ServiceError } from "../errors.ts";
import { type InternalErrors, internalError } from "../rpc/internal-error.ts";
import type { ClockTimer } from "../timer.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { CallerDrain } from "./caller-drain.ts";
import { deadlinePassed, ownerLost } from "./fleet-errors.ts";
import type { FleetLimits } from "./fleet-options.ts";
import { type Frame, FrameType } from "./frame.ts";
import { decodeCredit, decodeEnd, encodeCredit, encodeEnd, type OpenBody } from "./frame-bodies.ts";
import { Inbound } from "./inbound.ts";
import { Outbound } from "./outbound.ts";
import type { PeerCall } from "./peers.ts";
import type { OpenUnit, UnitMethod } from "./unit.ts";
import { RemoteCallContext } from "./unit-call-context.ts";
import type { FrameHead, Wire } from "./wire.ts";

/** What a call from another process is made of. */
export interface IncomingCallOptions {
  readonly number: number;
  /** Instance id. */
  readonly caller: string;
  readonly open: OpenBody;
  readonly method: UnitMethod;
  readonly limits: FleetLimits;
  readonly budget: ByteBudget;
  readonly wire: Wire;
  readonly timer: ClockTimer;
  readonly errors: InternalErrors;
  /** Called once, when nothing more comes or goes. */
  readonly onEnd: (call: IncomingCall) => void;
}

/** The owner's side of a call. The budget has given minWindowBytes for it. */
export class IncomingCall implements PeerCall {
  readonly isKnown = true;
  readonly sinceMs = 0;
  readonly #options: IncomingCallOptions;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #abort = new AbortController();
  readonly #context: RemoteCallContext;
  readonly #drain: CallerDrain;
  readonly #callOffDeadline: () => void;
  #sent = 0;
  /** The frame that began it was the first one. */
  #received = 1;
  #isOver = false;

  constructor(options: IncomingCallOptions) {
    const { limits, budget, timer, open, caller, number } = options;
    const maxPartBytes = Math.min(limits.maxPartBytes, options.wire.maxBodyBytes);
    this.#options = options;
    this.#inbound = new Inbound({
      limits,
      budget,
      grant: (bytes) => this.#send({ type: FrameType.CREDIT, body: encodeCredit(bytes) }),
    });
    this.#outbound = new Outbound(open.credit, maxPartBytes, (body, isLast) =>
      this.#send({ type: FrameType.DATA, body, isLast }),
    );
    const { timeoutMs } = open;
    const deadline = timeoutMs === undefined ? undefined : timer.now() + timeoutMs;
    const left = (): number | undefined => (deadline === undefined ? undefined : deadline - timer.now());
    this.#drain = new CallerDrain(timer.now);
    this.#context = new RemoteCallContext(this.#abort.signal, left, `${caller}/${number}`, this.#drain);
    if (open.trace !== undefined) this.#context.trace = open.trace;
    this.#callOffDeadline =
      timeoutMs === undefined
        ? () => {}
        : timer.schedule(Math.max(0, timeoutMs), () => this.abort(deadlinePassed()));
  }

  get number(): number {
    return this.#options.number;
  }

  get caller(): string {
    return this.#options.caller;
  }

  /** Tells the caller that the call runs. `first`: what came of a unary request with its begin. */
  accept(first: Uint8Array, isLast: boolean): void {
    this.#send({ type: FrameType.ACCEPT, body: encodeCredit(this.#options.limits.minWindowBytes) });
    if (this.#options.method.methodKind === "unary") this.#add(first, isLast);
  }

  /** Runs the call in its unit, and tells the caller how it ends. Never rejects. */
  async run(opened: Promise<OpenUnit>): Promise<void> {
    try {
      const { method } = this.#options;
      const unit = await opened;
      if (this.#abort.signal.aborted) return;
      if (method.methodKind === "unary") {
        const request = fromBinary(method.input, await this.#request());
        const response = await unit.unary(method, request, this.#context);
        await this.#outbound.send(toBinary(method.output, response));
      } else {
        for await (const response of unit.bidi(method, this.#requests(), this.#context)) {
          await this.#outbound.send(response);
        }
      }
      this.#finish(undefined);
    } catch (thrown) {
      this.#finish(thrown);
    }
  }

  received(frame: Frame): void {
    if (this.#isOver) return;
    if (frame.sequence !== this.#received) {
      this.abort(ownerLost());
      return;
    }
    this.#received = (this.#received + 1) >>> 0;
    const { type, body, isLast } = frame;
    if (type === FrameType.DATA) this.#add(body, isLast);
    else if (type === FrameType.CREDIT) this.#outbound.grant(decodeCredit(body));
    else if (type === FrameType.END) this.#inbound.end(read(body));
    else if (type === FrameType.DRAIN) this.#drain.begun(decodeCredit(body));
    else if (type === FrameType.CANCEL) this.#over(read(body) ?? ownerLost());
  }

  /** Ends the call with an error, which its caller is told. */
  abort(error: ServiceError): void {
    this.#sendStatus(error);
    this.#over(error);
  }

  lose(): void {
    this.abort(ownerLost());
  }

  #add(body: Uint8Array, isLast: boolean): void {
    const error = this.#inbound.add(body, isLast);
    if (error !== undefined) this.abort(error);
  }

  async #request(): Promise<Uint8Array> {
    const request = await this.#inbound.next();
    if (request === undefined)
      throw new ServiceError(Code.InvalidArgument, "PROTOCOL_ERROR", "no request came");
    return request;
  }

  async *#requests(): AsyncGenerator<Message> {
    for (;;) {
      const request = await this.#inbound.next();
      if (request === undefined) return;
      yield fromBinary(this.#options.method.input, request);
    }
  }

  #finish(thrown: unknown): void {
    if (this.#isOver) return;
    const { method, errors } = this.#options;
    let error: ServiceError | undefined;
    if (thrown instanceof ServiceError) error = thrown;
    else if (thrown !== undefined) {
      error = internalError(thrown, `${method.parent.typeName}/${method.name}`, errors);
    }
    this.#sendStatus(error);
    this.#over(error);
  }

  #sendStatus(error: ServiceError | undefined): void {
    const status = encodeEnd(error);
    const { maxBodyBytes } = this.#options.wire;
    let at = 0;
    do {
      const end = Math.min(status.length, at + maxBodyBytes);
      const isLast = end === status.length;
      this.#send({ type: FrameType.STATUS, body: status.subarray(at, end), isLast });
      at = end;
    } while (at < status.length);
  }

  #send(head: Omit<FrameHead, "call" | "sequence" | "toCaller">): boolean {
    if (this.#isOver) return true;
    const { wire, number, caller } = this.#options;
    const sequence = this.#sent;
    this.#sent = (this.#sent + 1) >>> 0;
    return wire.send(caller, { ...head, call: number, toCaller: true, sequence });
  }

  #over(error: ServiceError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#callOffDeadline();
    const reason = error ?? new ServiceError(Code.Canceled, "CANCELLED", "the call has ended");
    this.#inbound.end(reason, true);
    this.#outbound.stop(reason);
    if (error !== undefined) this.#abort.abort(error);
    this.#options.onEnd(this);
  }
}

function read(body: Uint8Array): ServiceError | undefined {
  try {
    return decodeEnd(body);
  } catch (cause) {
    return ownerLost(cause);
  }
}
