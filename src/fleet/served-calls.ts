import type { InternalErrors } from "../rpc/internal-error.ts";
import type { ClockTimer } from "../timer.ts";
import type { ByteBudget } from "./byte-budget.ts";
import type { FleetLimits } from "./fleet-options.ts";
import { type Frame, FrameType } from "./frame.ts";
import { type Answer, decodeOpen, decodeText, encodeText, type Refusal } from "./frame-bodies.ts";
import { IncomingCall } from "./incoming-call.ts";
import type { MethodTable } from "./method-table.ts";
import type { OwnedUnits } from "./owned-units.ts";
import type { Peers } from "./peers.ts";
import type { Wire } from "./wire.ts";

/** What {@link ServedCalls} work with. */
export interface ServedCallsOptions {
  readonly limits: FleetLimits;
  readonly budget: ByteBudget;
  readonly wire: Wire;
  readonly peers: Peers;
  readonly units: OwnedUnits;
  readonly methods: MethodTable;
  readonly timer: ClockTimer;
  readonly errors: InternalErrors;
}

/** Calls of other processes that run in this one. */
export class ServedCalls {
  readonly #options: ServedCallsOptions;
  readonly #calls = new Map<string, IncomingCall>();

  constructor(options: ServedCallsOptions) {
    this.#options = options;
  }

  /** A frame of a call that runs here, or begins. */
  received(frame: Frame): void {
    const key = `${frame.from}${frame.call}`;
    if (frame.type === FrameType.OPEN) this.#begin(frame, key);
    else this.#calls.get(key)?.received(frame);
  }

  /** Says whether a unit is here. */
  asked({ from, call, body }: Frame): void {
    const answer: Answer = this.#stateOf(decodeText(body));
    const head = { type: FrameType.ANSWER, toCaller: true, call, body: encodeText(answer) };
    this.#options.wire.send(from, head);
  }

  #stateOf(unit: string): Answer {
    const entry = this.#options.units.find(unit);
    if (entry === undefined) return "NOT_OWNER";
    return entry.isDraining ? "DRAINING" : "OWNER";
  }

  #begin(frame: Frame, key: string): void {
    const { units, methods, peers, budget, limits } = this.#options;
    const { from, call: number } = frame;
    const decoded = decodeOpen(frame.body);
    if (decoded === undefined || this.#calls.has(key)) return;
    const { open, first } = decoded;
    const state = this.#stateOf(open.unit);
    const entry = units.find(open.unit);
    const method = methods.find(open.method);
    if (state !== "OWNER" || entry === undefined) {
      this.#refuse(frame, state === "DRAINING" ? state : "NOT_OWNER");
      return;
    }
    if (method === undefined) {
      this.#refuse(frame, "METHOD_UNKNOWN");
      return;
    }
    if (!peers.hasRoom(from, "IN") || !budget.take(limits.minWindowBytes)) {
      this.#refuse(frame, "OVERLOADED");
      return;
    }
    const call = new IncomingCall({
      ...this.#options,
      number,
      caller: from,
      open,
      method,
      onEnd: (ended) => {
        this.#calls.delete(key);
        peers.remove(from, "IN", ended);
        entry.remove(ended);
        units.settle(entry);
      },
    });
    this.#calls.set(key, call);
    peers.add(from, "IN", call);
    entry.add(call);
    call.accept(first, frame.isLast);
    void call.run(entry.opened);
  }

  #refuse({ from, call }: Frame, why: Refusal): void {
    const head = { type: FrameType.REFUSE, toCaller: true, call, body: encodeText(why) };
    this.#options.wire.send(from, head);
  }
}
