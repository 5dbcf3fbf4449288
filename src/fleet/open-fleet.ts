import type { DescMethodBiDiStreaming, DescMethodUnary, Message, MessageShape } from "@bufbuild/protobuf";
import type { CallContext } from "../rpc/call-context.ts";
import type { EncodedMessage } from "../rpc/service-implementation.ts";
import { StartError } from "../start-error.ts";
import { Asks } from "./asks.ts";
import { ByteBudget } from "./byte-budget.ts";
import { CallRunner } from "./call-runner.ts";
import type { Fleet, FleetState } from "./fleet.ts";
import { DEFAULT_FLEET_LIMITS, type FleetLimits, type FleetOptions } from "./fleet-options.ts";
import { type Frame, FrameType } from "./frame.ts";
import { Keeper } from "./keeper.ts";
import { MethodTable } from "./method-table.ts";
import { OwnedUnits } from "./owned-units.ts";
import { OwnerRecords } from "./owner-records.ts";
import { Peers } from "./peers.ts";
import { RemoteCalls } from "./remote-calls.ts";
import { Router } from "./router.ts";
import { ServedCalls } from "./served-calls.ts";
import { Wire } from "./wire.ts";

/**
 * Joins the processes that share an event log. Owns nothing yet; what it takes
 * over it gives up when it is drained or disposed of. Dispose of it before the
 * link.
 *
 * @throws StartError when the NATS user may not use the fleet's subjects.
 */
export async function openFleet(options: FleetOptions): Promise<Fleet> {
  const fleet = new NatsFleet(options);
  try {
    await fleet.requireSubjects(options.prefix);
  } catch (error) {
    await fleet[Symbol.asyncDispose]();
    throw error;
  }
  return fleet;
}

class NatsFleet implements Fleet {
  readonly instanceId: string;
  readonly #wire: Wire;
  readonly #peers: Peers;
  readonly #asks: Asks;
  readonly #units: OwnedUnits;
  readonly #router: Router;
  readonly #remote: RemoteCalls;
  readonly #served: ServedCalls;
  readonly #runner: CallRunner;
  readonly #keeper: Keeper;
  readonly #callOffs: (() => void)[];
  readonly #drainMs: number;
  #lastNumber = 0;
  #disposed: Promise<void> | undefined;

  constructor(options: FleetOptions) {
    const { link, timer, random, kinds, errors, hooks = {} } = options;
    const limits: FleetLimits = { ...DEFAULT_FLEET_LIMITS, ...options.limits };
    this.instanceId = options.instanceId;
    const records = new OwnerRecords(options.owners, this.instanceId, options.now);
    const methods = new MethodTable(options.services, options.idempotent ?? new Set());
    const budget = new ByteBudget(limits.maxBufferedBytes);
    const wire = new Wire(link, options.prefix, this.instanceId, {
      onFrame: (frame) => this.#received(frame),
      onNobody: (number) => this.#nobody(number),
    });
    const nextNumber = (): number => ++this.#lastNumber;
    this.#drainMs = limits.drainMs;
    this.#wire = wire;
    this.#peers = new Peers({ limits, timer, wire, onStall: () => this.#check() });
    this.#asks = new Asks(wire, timer, limits);
    this.#units = new OwnedUnits({ records, kinds, limits, timer, hooks });
    this.#router = new Router({
      instanceId: this.instanceId,
      records,
      units: this.#units,
      ask: (owner, unit) => this.#asks.ask(owner, unit, nextNumber()),
      isFresh: (owner) => this.#peers.isFresh(owner),
      isConnected: () => link.isConnected,
      timer,
      random,
      limits,
    });
    const calls = { limits, budget, wire, peers: this.#peers, timer };
    this.#remote = new RemoteCalls({ ...calls, nextNumber });
    this.#served = new ServedCalls({ ...calls, units: this.#units, methods, errors });
    const { remote, router, units } = { remote: this.#remote, router: this.#router, units: this.#units };
    this.#runner = new CallRunner({ router, remote, units, methods, timer, limits });
    this.#keeper = new Keeper({ router, units, timer, random, limits, hooks, check: () => this.#check() });
    this.#callOffs = [
      link.onReconnected(() => this.#reconnected()),
      link.onDisconnected(() => this.#disconnected()),
    ];
  }

  /** A process that others cannot reach would look dead to them, and they would take its work. */
  async requireSubjects(prefix: string): Promise<void> {
    const said = await this.#wire.refusal();
    if (said === undefined) return;
    throw new StartError(
      "NATS_PERMISSIONS",
      `eventlog.url: the server refuses subjects of this service: ${said}; let its user publish and subscribe on ` +
        `${prefix.toLowerCase()}.>, see docs/nats.md`,
    );
  }

  unary<M extends DescMethodUnary>(
    unit: string,
    method: M,
    request: MessageShape<M["input"]>,
    context: CallContext,
  ): Promise<MessageShape<M["output"]>> {
    // Whoever answers has encoded or made it by the method's own output.
    return this.#runner.unary(unit, method, request, context) as Promise<MessageShape<M["output"]>>;
  }

  bidi<M extends DescMethodBiDiStreaming>(
    unit: string,
    method: M,
    requests: AsyncIterable<MessageShape<M["input"]>>,
    context: CallContext,
  ): AsyncIterable<EncodedMessage> {
    return this.#runner.bidi(unit, method, requests as AsyncIterable<Message>, context);
  }

  keep(unit: string): void {
    this.#keeper.keep(unit);
  }

  trouble(unit: string): unknown {
    return this.#keeper.trouble(unit);
  }

  state(): FleetState {
    return {
      owned: this.#units.counts(),
      callsIn: this.#peers.count("IN"),
      callsOut: this.#peers.count("OUT"),
    };
  }

  async drain(): Promise<void> {
    this.#keeper.stop();
    this.#remote.drain(this.#drainMs);
    await this.#units.drain();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #dispose(): Promise<void> {
    for (const callOff of this.#callOffs) callOff();
    this.#keeper.stop();
    await this.#units.close();
    this.#asks.abandon();
    this.#peers[Symbol.dispose]();
    this.#wire[Symbol.dispose]();
  }

  #received(frame: Frame): void {
    this.#peers.heard(frame.from);
    this.#asks.heard(frame.from);
    const { type } = frame;
    if (type === FrameType.PING) this.#peers.pinged(frame);
    else if (type === FrameType.ASK) this.#served.asked(frame);
    else if (type === FrameType.ANSWER) this.#asks.answered(frame);
    else if (!frame.toCaller) this.#served.received(frame);
    else if (type === FrameType.REFUSE) this.#remote.find(frame.call)?.refused(frame);
    else this.#remote.find(frame.call)?.received(frame);
  }

  #nobody(number: number): void {
    if (!this.#asks.nobody(number)) this.#remote.find(number)?.nobody();
  }

  #check(): void {
    void this.#units.check();
  }

  #disconnected(): void {
    this.#asks.abandon();
    this.#peers.loseAll();
  }

  #reconnected(): void {
    this.#router.reconnected();
    this.#check();
  }
}
