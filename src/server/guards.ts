import type { DescMethod, DescService, Message } from "@bufbuild/protobuf";
import { type Code, ConnectError } from "@connectrpc/connect";
import { type Reason, ServiceError } from "../errors.ts";
import type { CallContext } from "../rpc/call-context.ts";
import { type InternalErrors, internalError } from "../rpc/internal-error.ts";
import type { EncodedMessage, ServiceImplementation } from "../rpc/service-implementation.ts";
import { errorOfAbort } from "./abort-reason.ts";
import { deadlineExceeded, draining } from "./refusal.ts";
import { type AnyMethod, bindService } from "./service-binding.ts";
import { untilAborted } from "./signal-race.ts";
import { checkRequest } from "./validation.ts";

/** One call that has ended, for one log line and the metrics. */
export interface CallReport {
  /** package.Service/Method */
  readonly method: string;
  /** undefined when the call ended well. */
  readonly code: Code | undefined;
  /** Machine reason of the error. */
  readonly reason: Reason | undefined;
  readonly durationMs: number;
  /** grpc, grpc-web or connect. */
  readonly protocol: string;
}

/** What the guards need. One object serves all services. */
export interface Guards extends InternalErrors {
  /** Methods (package.Service/Method) whose requests are not validated, such as those that report violations themselves. */
  readonly skipValidation?: ReadonlySet<string>;
  /** True once the service is stopping: new calls are refused. */
  readonly isDraining: () => boolean;
  /** Called once for each call, when it ends. Must not throw. */
  readonly onCall?: (report: CallReport) => void;
  /** Milliseconds on a clock that never goes back. */
  readonly monotonicNow?: () => number;
}

/**
 * Wraps an implementation, so that every listener enforces the same: new calls
 * are refused while draining or when their deadline has passed, requests are
 * validated (each message of a stream as it is read), whatever is thrown becomes a ServiceError, and each call is
 * reported once.
 */
export function guard<S extends DescService>(
  service: S,
  implementation: ServiceImplementation<S>,
  guards: Guards,
): ServiceImplementation<S> {
  const methods = bindService(service, implementation).implementation;
  const guarded: Record<string, AnyMethod> = {};
  for (const method of service.methods) {
    const run = methods[method.localName];
    if (run === undefined) throw new Error(`${method.toString()} has no implementation`);
    const watch = new MethodGuard(method, guards);
    guarded[method.localName] =
      method.methodKind === "unary" ? guardUnary(run, watch) : guardStream(run, watch);
  }
  return guarded as unknown as ServiceImplementation<S>;
}

function guardUnary(run: AnyMethod, method: MethodGuard): AnyMethod {
  return async (request, context) => {
    const startedAt = method.now();
    try {
      method.admit(context);
      const response = await (run(method.check(request as Message), context) as Promise<Message>);
      method.report(startedAt, context, undefined);
      return response;
    } catch (thrown) {
      const error = method.normalise(thrown, context);
      method.report(startedAt, context, error);
      throw error;
    }
  };
}

function guardStream(run: AnyMethod, method: MethodGuard): AnyMethod {
  return async function* (request, context) {
    const startedAt = method.now();
    let ended = false;
    let error: ServiceError | undefined;
    try {
      method.admit(context);
      const checked =
        Symbol.asyncIterator in request ? method.checkEach(request) : method.check(request as Message);
      yield* untilAborted(run(checked, context) as AsyncIterable<EncodedMessage>, context.signal);
      ended = true;
    } catch (thrown) {
      error = method.normalise(thrown, context);
      throw error;
    } finally {
      // A listener that stops reading ends the loop without an error: its client has left.
      if (!ended) error ??= errorOfAbort(context);
      method.report(startedAt, context, error);
    }
  };
}

/** The guards of one method. */
class MethodGuard {
  readonly #name: string;
  readonly #method: DescMethod;
  readonly #guards: Guards;
  readonly #validates: boolean;
  readonly now: () => number;

  constructor(method: DescMethod, guards: Guards) {
    this.#name = `${method.parent.typeName}/${method.name}`;
    this.#method = method;
    this.#guards = guards;
    this.#validates = guards.skipValidation?.has(this.#name) !== true;
    this.now = guards.monotonicNow ?? (() => performance.now());
  }

  /** Throws when the call must not reach the implementation. */
  admit(context: CallContext): void {
    if (this.#guards.isDraining()) throw draining();
    const left = context.timeoutMs();
    if (left !== undefined && left <= 0) throw deadlineExceeded(false);
  }

  /** Gives the request back, or throws when it breaks a rule. */
  check(request: Message): Message {
    if (this.#validates) checkRequest(this.#method.input, request);
    return request;
  }

  /** Checks the messages of a stream as they are read. */
  async *checkEach(requests: AsyncIterable<Message>): AsyncGenerator<Message> {
    for await (const request of requests) yield this.check(request);
  }

  /** Makes what was thrown fit for the caller. */
  normalise(thrown: unknown, context: CallContext): ServiceError {
    if (thrown instanceof ServiceError) return thrown;
    if (context.signal.aborted && isAbort(thrown, context.signal)) {
      return errorOfAbort(context);
    }
    return internalError(thrown, this.#name, this.#guards);
  }

  report(startedAt: number, context: CallContext, error: ServiceError | undefined): void {
    this.#guards.onCall?.({
      method: this.#name,
      code: error?.code,
      reason: error?.reason,
      durationMs: this.now() - startedAt,
      protocol: context.protocolName ?? "unknown",
    });
  }
}

/** Whether an error only says that the call's signal has aborted. */
function isAbort(thrown: unknown, signal: AbortSignal): boolean {
  if (thrown === signal.reason || thrown instanceof ConnectError) return true;
  return thrown instanceof Error && thrown.name === "AbortError";
}
