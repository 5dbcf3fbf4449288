import { ensureServiceError, type ServiceError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { Admission } from "./admission.ts";
import { type AnswerReader, isSuccess } from "./answers.ts";
import type { Authorization, Authorizer } from "./authorizer.ts";
import { CallBounds } from "./call-bounds.ts";
import { CallFailure } from "./call-failure.ts";
import {
  DEFAULT_CALL_TIMEOUT_MS,
  DEFAULT_CONNECTIONS,
  DEFAULT_MAX_QUEUED,
  type InfobipClientOptions,
} from "./client-options.ts";
import { createAuthorizer } from "./create-authorizer.ts";
import type { Credentials } from "./credentials.ts";
import type { CallKind, ErrorContext } from "./error-context.ts";
import type { HttpAnswer } from "./exchange.ts";
import { failureError } from "./failure-error.ts";
import type { InfobipCallOptions } from "./infobip-client.ts";
import { endOfRequest } from "./request-report.ts";
import type { ExchangeObserver } from "./request-trace.ts";
import { statusError } from "./status-error.ts";
import { Transport } from "./transport.ts";
import { unusableAnswer } from "./unusable-answer.ts";
import { USER_AGENT } from "./user-agent.ts";

/** One endpoint with one body. */
export interface CallRequest<T> {
  readonly kind: CallKind;
  /** With its query, where it has one. */
  readonly path: string;
  /** Undefined: a GET. */
  readonly body: string | undefined;
  readonly read: AnswerReader<T>;
}

const HTTP_UNAUTHORIZED = 401;

/** Runs calls: counts them in, signs them, takes a connection, reads the answer, and turns every failure into a ServiceError. */
export class CallRunner implements AsyncDisposable {
  readonly #admission: Admission;
  readonly #transport: Transport;
  #authorizer: Authorizer;
  readonly #hiddenSecrets: readonly Secret[];
  readonly #limitMs: number;
  readonly #now: () => number;
  readonly #onExchange: ExchangeObserver | undefined;

  constructor(options: InfobipClientOptions) {
    this.#onExchange = options.onExchange;
    this.#now = options.now ?? Date.now;
    this.#hiddenSecrets = options.hiddenSecrets ?? [];
    this.#limitMs = options.callTimeoutMs ?? DEFAULT_CALL_TIMEOUT_MS;
    this.#admission = new Admission(
      options.connections ?? DEFAULT_CONNECTIONS,
      options.maxQueued ?? DEFAULT_MAX_QUEUED,
    );
    this.#transport = new Transport(options);
    this.#authorizer = createAuthorizer(options.credentials, this.#transport, this.#now);
  }

  async run<T>(request: CallRequest<T>, call: InfobipCallOptions): Promise<T> {
    this.#admission.enter();
    const authorizer = this.#authorizer;
    let authorization: Authorization | undefined;
    try {
      using bounds = new CallBounds({
        signal: call.signal,
        timeoutMs: call.timeoutMs,
        limitMs: this.#limitMs,
        now: this.#now,
      });
      authorization = await this.#authorize(bounds);
      let answer = await this.#exchange(request, authorization, bounds, call, 0);
      if (answer.status === HTTP_UNAUTHORIZED && this.#hasOthers(authorizer, authorization)) {
        // A 401 proves that nothing was sent, so this is the one repeat that is always safe.
        authorization = await this.#authorize(bounds);
        answer = await this.#exchange(request, authorization, bounds, call, 1);
      }
      return this.#read(request, answer, this.#context(request.kind, call, authorization));
    } catch (error) {
      throw this.#toServiceError(error, this.#context(request.kind, call, authorization));
    } finally {
      this.#admission.leave();
    }
  }

  /**
   * Signs requests that begin from here on with other credentials. Those under
   * way keep theirs, unless Infobip refuses them. Throws an Error when the
   * credentials cannot be right; those before are then kept.
   */
  useCredentials(credentials: Credentials): void {
    // A token fetch of the one before ends by its own time limits: calls wait for it.
    this.#authorizer = createAuthorizer(credentials, this.#transport, this.#now);
  }

  /** Ends a token fetch, then waits a while for calls under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#authorizer[Symbol.asyncDispose]();
    await this.#transport[Symbol.asyncDispose]();
  }

  /** Whether a request that was refused with these credentials is worth a repeat with others. */
  #hasOthers(authorizer: Authorizer, authorization: Authorization): boolean {
    return authorizer !== this.#authorizer || authorizer.refused(authorization);
  }

  #authorize(bounds: CallBounds): Authorization | Promise<Authorization> {
    const authorization = this.#authorizer.authorize();
    return authorization instanceof Promise ? bounds.race("TOKEN", authorization) : authorization;
  }

  async #exchange<T>(
    { path, body }: CallRequest<T>,
    authorization: Authorization,
    bounds: CallBounds,
    { onWritten, traces }: InfobipCallOptions,
    resends: number,
  ): Promise<HttpAnswer> {
    await this.#admission.acquire(bounds);
    const headers = [
      "authorization",
      authorization.header.reveal(),
      "accept",
      "application/json",
      "user-agent",
      USER_AGENT,
    ];
    if (body !== undefined) headers.push("content-type", "application/json");
    const answer = this.#transport.request({
      method: body === undefined ? "GET" : "POST",
      path,
      body,
      headers,
      bounds,
      released: () => this.#admission.release(),
      written: onWritten,
    });
    if (traces === undefined || body === undefined) return await answer;
    return await observed(answer, this.#onExchange?.({ method: "POST", path, resends, traces }));
  }

  #read<T>(request: CallRequest<T>, answer: HttpAnswer, context: ErrorContext): T {
    const result = answer.incomplete ? undefined : request.read(answer.status, answer.body, context.secrets);
    if (result !== undefined) return result;
    if (!isSuccess(answer.status)) throw statusError(answer, context);
    throw failureError(answer.incomplete ?? unusableAnswer("ANSWER_NOT_READABLE"), context, answer.status);
  }

  #context(kind: CallKind, call: InfobipCallOptions, authorization: Authorization | undefined): ErrorContext {
    return {
      kind,
      messageIds: call.messageIds ?? [],
      fieldPath: call.fieldPath,
      secrets: [...(authorization?.secrets ?? []), ...this.#hiddenSecrets],
      now: this.#now(),
    };
  }

  #toServiceError(error: unknown, context: ErrorContext): ServiceError {
    return error instanceof CallFailure ? failureError(error, context) : ensureServiceError(error);
  }
}

/** The same answer; `ended` is told of it. */
async function observed(
  answer: Promise<HttpAnswer>,
  ended: ReturnType<ExchangeObserver>,
): Promise<HttpAnswer> {
  if (ended === undefined) return answer;
  try {
    const whole = await answer;
    ended(endOfRequest(whole));
    return whole;
  } catch (error) {
    ended(error instanceof CallFailure ? endOfRequest(error) : { status: undefined, errorType: "_OTHER" });
    throw error;
  }
}
