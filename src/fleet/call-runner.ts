import { clone, type DescMethodBiDiStreaming, type DescMethodUnary, type Message } from "@bufbuild/protobuf";
import { type Reason, ServiceError } from "../errors.ts";
import type { CallContext } from "../rpc/call-context.ts";
import { orCallEnded, serviceDraining } from "../rpc/call-ended.ts";
import type { EncodedMessage } from "../rpc/service-implementation.ts";
import type { ClockTimer } from "../timer.ts";
import { fleetOverloaded, methodUnknown, ownerUnsettled } from "./fleet-errors.ts";
import type { FleetLimits } from "./fleet-options.ts";
import { LocalCall } from "./local-call.ts";
import type { MethodTable } from "./method-table.ts";
import { OutgoingCall } from "./outgoing-call.ts";
import type { OwnedUnit } from "./owned-unit.ts";
import type { OwnedUnits } from "./owned-units.ts";
import { type NotBegun, type RemoteCalls, responsesOf } from "./remote-calls.ts";
import type { Router } from "./router.ts";

/** Owners that a call tries one after the other at most. */
const MAX_ATTEMPTS = 5;

/** What a {@link CallRunner} works with. */
export interface CallRunnerOptions {
  readonly router: Router;
  readonly remote: RemoteCalls;
  readonly units: OwnedUnits;
  readonly methods: MethodTable;
  readonly timer: ClockTimer;
  readonly limits: FleetLimits;
}

/**
 * Runs calls where their units are. A call that has certainly not run is tried
 * again at the next owner; one that may have run only if that does no harm.
 */
export class CallRunner {
  readonly #options: CallRunnerOptions;

  constructor(options: CallRunnerOptions) {
    this.#options = options;
  }

  async unary(
    unit: string,
    method: DescMethodUnary,
    request: Message,
    context: CallContext,
  ): Promise<Message> {
    const { methods } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await this.#unaryOnce(unit, method, request, context);
        if (!isNotBegun(result)) return result;
        if (attempt === MAX_ATTEMPTS) throw refusalOf(result);
        await this.#afterRefusal(result, context);
      } catch (error) {
        const isOver = attempt === MAX_ATTEMPTS || context.signal.aborted;
        if (isOver || !isOf(error, "OWNER_LOST") || !methods.mayRepeat(method)) throw error;
      }
    }
  }

  async *bidi(
    unit: string,
    method: DescMethodBiDiStreaming,
    requests: AsyncIterable<Message>,
    context: CallContext,
  ): AsyncGenerator<EncodedMessage> {
    const { router, remote } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const route = await orCallEnded(router.route(unit), context.signal);
      if (route.kind === "HERE") {
        using call = this.#localCall(route.entry, context);
        yield* call.bidi(method, requests);
        return;
      }
      const begun = await remote.stream(route.owner, unit, method, context);
      if (begun instanceof OutgoingCall) {
        yield* responsesOf(begun, method, requests[Symbol.asyncIterator]());
        return;
      }
      router.forget(unit, route.owner);
      if (attempt === MAX_ATTEMPTS) throw refusalOf(begun);
      await this.#afterRefusal(begun, context);
    }
  }

  async #unaryOnce(
    unit: string,
    method: DescMethodUnary,
    request: Message,
    context: CallContext,
  ): Promise<Message | NotBegun> {
    const { router, remote, methods } = this.#options;
    const route = await orCallEnded(router.route(unit), context.signal);
    try {
      if (route.kind === "HERE") {
        using call = this.#localCall(route.entry, context);
        // Methods may fill in their requests, and the next owner must be given what the caller has sent.
        return await call.unary(method, clone(method.input, request));
      }
      const result = await remote.unary(route.owner, unit, method, request, context);
      if (isNotBegun(result)) router.forget(unit, route.owner);
      return result;
    } catch (error) {
      if (route.kind === "THERE" && isOf(error, "OWNER_LOST")) router.forget(unit, route.owner);
      // A unit that drains says so of what it has not done. Where this process drains, too, its clients go elsewhere.
      const mayGoOn = !remote.isDraining || (route.kind === "HERE" && methods.mayRepeat(method));
      if (isOf(error, "DRAINING") && !context.signal.aborted && mayGoOn)
        return { kind: "NOT_BEGUN", why: "DRAINING" };
      throw error;
    }
  }

  #localCall(entry: OwnedUnit, context: CallContext): LocalCall {
    const { units } = this.#options;
    return new LocalCall(entry, context, () => units.settle(entry));
  }

  /** Throws what no other owner would do better; waits for one that is about to give the unit up. */
  async #afterRefusal(refused: NotBegun, context: CallContext): Promise<void> {
    const { why } = refused;
    if (why === "OVERLOADED" || why === "METHOD_UNKNOWN") throw refusalOf(refused);
    if (why === "NOBODY") return;
    const { timer, limits } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const callOff = timer.schedule(limits.retryMs, resolve);
    try {
      await orCallEnded(promise, context.signal);
    } finally {
      callOff();
    }
  }
}

function isNotBegun(result: Message | NotBegun): result is NotBegun {
  return "kind" in result && result.kind === "NOT_BEGUN";
}

function isOf(error: unknown, reason: Reason): boolean {
  return error instanceof ServiceError && error.reason === reason;
}

function refusalOf({ why }: NotBegun): ServiceError {
  if (why === "OVERLOADED") return fleetOverloaded("the instance that does this work runs too many calls");
  if (why === "METHOD_UNKNOWN") return methodUnknown();
  return why === "DRAINING" ? serviceDraining() : ownerUnsettled();
}
