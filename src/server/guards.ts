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

/** Length of `00-`, which a traceparent begins with, and of that and the trace id after it. */
const TRACE_ID = { from: 3, to: 35 } as const;

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
  /** Name of the caller; undefined where everyone may call, and when the call was refused before it was known. */
  readonly caller: string | undefined;
  /** Id of the trace that the call belongs to, 32 hex digits; not set outside of a trace. */
  readonly traceId?: string;
}

/** Is told of the end of a call, once. Must not throw. */
export type CallEnd = (report: CallReport) => void;

/** Decides who may call what. */
export interface AccessControl {
  /** What holds for a method. Asked for once, when its service is bound. Throws an Error for a method that it does not know. */
  forMethod(method: DescMethod): MethodAccess;
}

/** The rules of access of one method. */
export interface MethodAccess {
  /**
   * Sets the call's caller. Throws ServiceError CREDENTIALS_MISSING,
   * CREDENTIALS_UNKNOWN or SCOPE_MISSING.
   */
  admit(context: CallContext): void;
  /**
   * Checks what is asked for, after validation; each message of a
   * bidirectional stream by itself. May fill in what the caller has left out.
   * Throws a ServiceError when the caller may not have it. Not set: all who are admitted may.
   */
  readonly authorise?: (request: Message, context: CallContext) => void;
}

/** What the guards need. One object serves all services. */
export interface Guards extends InternalErrors {
  /** Methods (package.Service/Method) whose requests are not validated, such as those that report violations themselves. */
  readonly skipValidation?: ReadonlySet<string>;
  /** True once the service is stopping: new streams are refused. */
  readonly isDraining: () => boolean;
  /** Why calls of a method are refused for now; undefined: they are not. Asked for each call. */
  readonly refusalOf?: (method: DescMethod) => ServiceError | undefined;
  /** Told of each call as it begins; may set its trace. The function that it returns is told of the call's end. Must not throw. */
  readonly begin?: (method: DescMethod, context: CallContext) => CallEnd | undefined;
  /** Who may call what. Not set: everyone may call everything. */
  readonly access?: AccessControl;
  /** Called once for each call, when it ends. Must not throw. */
  readonly onCall?: CallEnd;
  /** Milliseconds on a clock that never goes back. */
  readonly monotonicNow?: () => number;
}

/**
 * Wraps an implementation, so that every listener enforces the same. In this
 * order: streams are refused while draining, calls when their deadline has passed;
 * the caller is found out and must have the scope of the method; requests are
 * validated (each message of a stream as it is read); what they ask for must be
 * the caller's to ask. Whatever is thrown becomes a ServiceError, and each
 * call is reported once.
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
    const end = method.begin(context);
    try {
      method.admit(context);
      const response = await (run(method.check(request as Message, context), context) as Promise<Message>);
      method.report(startedAt, context, undefined, end);
      return response;
    } catch (thrown) {
      const error = method.normalise(thrown, context);
      method.report(startedAt, context, error, end);
      throw error;
    }
  };
}

function guardStream(run: AnyMethod, method: MethodGuard): AnyMethod {
  return async function* (request, context) {
    const startedAt = method.now();
    const end = method.begin(context);
    let ended = false;
    let error: ServiceError | undefined;
    try {
      method.admit(context);
      const checked =
        Symbol.asyncIterator in request
          ? method.checkEach(request, context)
          : method.check(request as Message, context);
      yield* untilAborted(run(checked, context) as AsyncIterable<EncodedMessage>, context.signal);
      ended = true;
    } catch (thrown) {
      error = method.normalise(thrown, context);
      throw error;
    } finally {
      // A listener that stops reading ends the loop without an error: its client has left.
      if (!ended) error ??= errorOfAbort(context);
      method.report(startedAt, context, error, end);
    }
  };
}

/** The guards of one method. */
class MethodGuard {
  readonly #name: string;
  readonly #method: DescMethod;
  readonly #guards: Guards;
  readonly #validates: boolean;
  readonly #access: MethodAccess | undefined;
  readonly now: () => number;

  constructor(method: DescMethod, guards: Guards) {
    this.#name = `${method.parent.typeName}/${method.name}`;
    this.#method = method;
    this.#guards = guards;
    this.#validates = guards.skipValidation?.has(this.#name) !== true;
    this.#access = guards.access?.forMethod(method);
    this.now = guards.monotonicNow ?? (() => performance.now());
  }

  begin(context: CallContext): CallEnd | undefined {
    return this.#guards.begin?.(this.#method, context);
  }

  /** Throws when the call must not reach the implementation. */
  admit(context: CallContext): void {
    // A unary call on a connection that is still open ends before it: to refuse it would only fail it.
    if (this.#method.methodKind !== "unary" && this.#guards.isDraining()) throw draining();
    const refusal = this.#guards.refusalOf?.(this.#method);
    if (refusal !== undefined) throw refusal;
    const left = context.timeoutMs();
    if (left !== undefined && left <= 0) throw deadlineExceeded(false);
    this.#access?.admit(context);
  }

  /** Gives the request back, or throws when it breaks a rule or asks for what its caller may not have. */
  check(request: Message, context: CallContext): Message {
    if (this.#validates) checkRequest(this.#method.input, request);
    this.#access?.authorise?.(request, context);
    return request;
  }

  /** Checks the messages of a stream as they are read. */
  async *checkEach(requests: AsyncIterable<Message>, context: CallContext): AsyncGenerator<Message> {
    for await (const request of requests) yield this.check(request, context);
  }

  /** Makes what was thrown fit for the caller. */
  normalise(thrown: unknown, context: CallContext): ServiceError {
    if (thrown instanceof ServiceError) return thrown;
    if (context.signal.aborted && isAbort(thrown, context.signal)) {
      return errorOfAbort(context);
    }
    return internalError(thrown, this.#name, this.#guards);
  }

  report(
    startedAt: number,
    context: CallContext,
    error: ServiceError | undefined,
    end: CallEnd | undefined,
  ): void {
    const { onCall } = this.#guards;
    if (onCall === undefined && end === undefined) return;
    const { caller, trace } = context;
    const report: CallReport = {
      method: this.#name,
      code: error?.code,
      reason: error?.reason,
      durationMs: this.now() - startedAt,
      protocol: context.protocolName ?? "unknown",
      caller: caller?.name,
      ...(trace && { traceId: trace.traceparent.slice(TRACE_ID.from, TRACE_ID.to) }),
    };
    end?.(report);
    onCall?.(report);
  }
}

/** Whether an error only says that the call's signal has aborted. */
function isAbort(thrown: unknown, signal: AbortSignal): boolean {
  if (thrown === signal.reason || thrown instanceof ConnectError) return true;
  return thrown instanceof Error && thrown.name === "AbortError";
}
