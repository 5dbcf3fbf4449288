import type { DescMethodBiDiStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ensureServiceError } from "../errors.ts";
import type { CallContext } from "../rpc/call-context.ts";
import { callEnded } from "../rpc/call-ended.ts";
import type { EncodedMessage } from "../rpc/service-implementation.ts";
import type { ClockTimer } from "../timer.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { callerGone, fleetOverloaded, fleetUnreachable, messageTooLarge, ownerLost } from "./fleet-errors.ts";
import type { FleetLimits } from "./fleet-options.ts";
import { methodName } from "./method-table.ts";
import { type Begin, OutgoingCall } from "./outgoing-call.ts";
import type { Peers } from "./peers.ts";
import type { UnitMethod } from "./unit.ts";
import type { Wire } from "./wire.ts";

/** The owner has not run the call. */
export interface NotBegun {
  readonly kind: "NOT_BEGUN";
  readonly why: Exclude<Begin, "ACCEPTED" | "LOST">;
}

/** What {@link RemoteCalls} work with. */
export interface RemoteCallsOptions {
  readonly limits: FleetLimits;
  readonly budget: ByteBudget;
  readonly wire: Wire;
  readonly peers: Peers;
  readonly timer: ClockTimer;
  readonly nextNumber: () => number;
}

/** Calls of this process that run in others. */
export class RemoteCalls {
  readonly #options: RemoteCallsOptions;
  readonly #calls = new Map<number, OutgoingCall>();
  /** When this process stops at the latest, on the timer's clock; undefined before it drains. */
  #stopsAtMs: number | undefined;

  constructor(options: RemoteCallsOptions) {
    this.#options = options;
  }

  get isDraining(): boolean {
    return this.#stopsAtMs !== undefined;
  }

  /** This process stops in so many milliseconds at the latest: the owners of all calls, and of those that come, are told. */
  drain(leftMs: number): void {
    this.#stopsAtMs ??= this.#options.timer.now() + leftMs;
    for (const call of this.#calls.values()) call.drain(leftMs);
  }

  find(number: number): OutgoingCall | undefined {
    return this.#calls.get(number);
  }

  /** Runs a unary call at an owner; {@link NotBegun} when it has certainly not run there. Rejects as the call does. */
  async unary(
    owner: string,
    unit: string,
    method: DescMethodUnary,
    request: Message,
    context: CallContext,
  ): Promise<Message | NotBegun> {
    const encoded = toBinary(method.input, request);
    const { maxMessageBytes } = this.#options.limits;
    if (encoded.length > maxMessageBytes) throw messageTooLarge(maxMessageBytes);
    const call = this.#begin(owner, unit, method, context, encoded);
    const refused = await notBegun(call);
    if (refused !== undefined) return refused;
    // The answer tells what became of a request that could not be sent as a whole.
    void call.sendRest(encoded).catch(() => undefined);
    const response = await call.next();
    if (response === undefined) throw ownerLost();
    await call.next();
    return fromBinary(method.output, response);
  }

  /** Begins a stream at an owner; {@link NotBegun} when it has certainly not begun there. */
  async stream(
    owner: string,
    unit: string,
    method: DescMethodBiDiStreaming,
    context: CallContext,
  ): Promise<OutgoingCall | NotBegun> {
    const call = this.#begin(owner, unit, method, context, undefined);
    return (await notBegun(call)) ?? call;
  }

  #begin(
    owner: string,
    unit: string,
    method: UnitMethod,
    context: CallContext,
    request: Uint8Array | undefined,
  ): OutgoingCall {
    const { limits, budget, wire, peers, timer, nextNumber } = this.#options;
    if (context.signal.aborted) throw callEnded(context.signal);
    if (!peers.hasRoom(owner, "OUT") || !budget.take(limits.minWindowBytes)) {
      throw fleetOverloaded("too many calls run in other instances");
    }
    const call = new OutgoingCall({
      number: nextNumber(),
      owner,
      unit,
      method: methodName(method),
      timeoutMs: context.timeoutMs(),
      signal: context.signal,
      trace: context.trace,
      limits,
      budget,
      wire,
      sinceMs: timer.now(),
      onEnd: (ended) => {
        this.#calls.delete(ended.number);
        peers.remove(owner, "OUT", ended);
      },
    });
    this.#calls.set(call.number, call);
    peers.add(owner, "OUT", call);
    if (!call.open(request)) throw fleetUnreachable();
    if (this.#stopsAtMs !== undefined) call.drain(Math.max(0, this.#stopsAtMs - timer.now()));
    return call;
  }
}

/** Undefined when the call runs, or it is not known whether it does: its end tells. */
async function notBegun(call: OutgoingCall): Promise<NotBegun | undefined> {
  const begin = await call.begun;
  if (begin === "ACCEPTED" || begin === "LOST") return undefined;
  // Nobody reads what it ended with.
  call.next().catch(() => undefined);
  return { kind: "NOT_BEGUN", why: begin };
}

/** Sends the requests of a stream until they end or fail, or the call does. Never rejects. */
export async function pumpRequests(
  call: OutgoingCall,
  method: DescMethodBiDiStreaming,
  requests: AsyncIterator<Message>,
): Promise<void> {
  try {
    for (;;) {
      const { done, value } = await requests.next();
      if (done === true) break;
      await call.send(toBinary(method.input, value));
    }
    call.endRequests();
  } catch (error) {
    // A call that is over has stopped the sending itself; endRequests does nothing then.
    call.endRequests(ensureServiceError(error));
  }
}

/** The responses of a stream. Gives the call up when nobody reads on. */
export async function* responsesOf(
  call: OutgoingCall,
  method: DescMethodBiDiStreaming,
  requests: AsyncIterator<Message>,
): AsyncGenerator<EncodedMessage> {
  void pumpRequests(call, method, requests);
  try {
    for (;;) {
      const response = await call.next();
      if (response === undefined) return;
      yield response;
    }
  } finally {
    call.cancel(callerGone());
    // Settles once the read that is under way does, which the end of the call brings.
    void Promise.resolve(requests.return?.()).catch(() => undefined);
  }
}
