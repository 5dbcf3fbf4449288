import { create } from "@bufbuild/protobuf";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { type MessageResponse, MessageResponseSchema } from "../gen/infobip/messages/v1/response_pb.js";
import { ServiceError } from "../src/errors.ts";
import { CallFailure, type Stop } from "../src/infobip/call-failure.ts";
import type { ErrorContext } from "../src/infobip/error-context.ts";
import { failureError } from "../src/infobip/failure-error.ts";
import type { InfobipCallOptions } from "../src/infobip/infobip-client.ts";
import { CircuitBreaker } from "../src/infobip/sending/circuit-breaker.ts";
import { createSendQueue } from "../src/infobip/sending/create-send-queue.ts";
import { RateLimiter } from "../src/infobip/sending/rate-limiter.ts";
import { RetryBudget } from "../src/infobip/sending/retry-budget.ts";
import type { SendHooks } from "../src/infobip/sending/send-hooks.ts";
import type { SendJob, SendQueue } from "../src/infobip/sending/send-queue.ts";
import type { SendQueueLimits } from "../src/infobip/sending/send-queue-options.ts";
import { statusError } from "../src/infobip/status-error.ts";
import { ManualTimer } from "./fixtures/manual-timer.ts";

const STATUS = { groupId: 1, id: 26, name: "PENDING_ACCEPTED" };

/** One request that the queue has made; the test says what comes of it. */
export class FakeRequest {
  readonly body: string;
  readonly options: InfobipCallOptions;
  readonly answered: Promise<MessageResponse>;
  isSettled = false;
  #isWritten = false;
  readonly #settle: PromiseWithResolvers<MessageResponse>;

  constructor(body: string, options: InfobipCallOptions) {
    this.body = body;
    this.options = options;
    this.#settle = Promise.withResolvers();
    this.answered = this.#settle.promise;
    options.signal.addEventListener("abort", () => this.#stopped());
  }

  get ids(): readonly string[] {
    return this.options.messageIds ?? [];
  }

  write(): this {
    this.#isWritten = true;
    this.options.onWritten?.();
    return this;
  }

  /** Infobip takes these ids, by default all of the request. */
  accept(ids: readonly string[] = this.ids): void {
    const messages = ids.map((messageId) => ({ messageId, status: STATUS, destination: `to-${messageId}` }));
    this.#end(() => this.#settle.resolve(create(MessageResponseSchema, { bulkId: "bulk", messages })));
  }

  status(status: number, options: { readonly retryAfter?: number; readonly body?: object } = {}): void {
    const headers = options.retryAfter === undefined ? {} : { "retry-after": String(options.retryAfter) };
    const body = Buffer.from(options.body ? JSON.stringify(options.body) : "");
    const error = statusError({ status, headers, body, incomplete: undefined }, this.#context());
    this.#end(() => this.#settle.reject(error));
  }

  /** The connection fails: before or after bytes have left. */
  fault(code: string): void {
    this.#fail(Object.assign(new Error(code), { code }), undefined);
  }

  #stopped(): void {
    this.#fail(undefined, { kind: "CANCELLED" });
  }

  #fail(fault: Error | undefined, stop: Stop | undefined): void {
    const failure = new CallFailure(this.#isWritten ? "ANSWER" : "CONNECT", {
      fault,
      ...(stop ? { stop } : {}),
    });
    this.#end(() => this.#settle.reject(failureError(failure, this.#context())));
  }

  #end(how: () => void): void {
    if (this.isSettled) return;
    this.isSettled = true;
    how();
  }

  #context(): ErrorContext {
    const { messageIds = [], fieldPath } = this.options;
    return { kind: "SEND", messageIds, fieldPath, secrets: [], now: 0 };
  }
}

/** Settings of {@link startQueue}. */
export interface QueueRigOptions {
  readonly limits?: Partial<SendQueueLimits>;
  readonly total?: number;
  readonly channels?: ReadonlyMap<Channel, number>;
  /** Failures that open the circuit; default 0: never. */
  readonly failures?: number;
  readonly budget?: RetryBudget;
  readonly random?: () => number;
  readonly hooks?: Partial<SendHooks>;
  /** Default: each job is a turn of its own. */
  readonly atEndOfTurn?: (callback: () => void) => void;
  /** Called with each request, in the turn in which it is made. */
  readonly onRequest?: (request: FakeRequest) => void;
}

/** A queue with a client whose requests the test answers, and a clock that goes when told to. */
export interface QueueRig {
  readonly queue: SendQueue;
  readonly timer: ManualTimer;
  /** All requests made so far. */
  readonly requests: FakeRequest[];
}

export function startQueue(options: QueueRigOptions = {}): QueueRig {
  const timer = new ManualTimer();
  const { now } = timer;
  const requests: FakeRequest[] = [];
  const make = (body: string, call: InfobipCallOptions): Promise<MessageResponse> => {
    const request = new FakeRequest(body, call);
    requests.push(request);
    options.onRequest?.(request);
    return request.answered;
  };
  const random = options.random ?? (() => 0.5);
  const queue = createSendQueue({
    client: { sendMessages: make, sendEvents: make },
    limits: {
      connections: 32,
      maxJobs: 20_000,
      maxBytes: 64 * 1024 * 1024,
      maxBatch: 100,
      maxAttempts: 4,
      ...options.limits,
    },
    limiter: new RateLimiter({ total: options.total ?? 0, channels: options.channels ?? new Map(), now }),
    breaker: new CircuitBreaker({
      failures: options.failures ?? 0,
      openMs: 1_000,
      maxOpenMs: 30_000,
      now,
      random,
    }),
    budget: options.budget ?? new RetryBudget(now),
    timer,
    random,
    ...(options.hooks ? { hooks: options.hooks } : {}),
    atEndOfTurn: options.atEndOfTurn ?? ((callback) => callback()),
  });
  return { queue, timer, requests };
}

/** A job with one message and these ids as its destinations. */
export function jobOf(ids: string | readonly string[], job: Partial<SendJob> = {}): SendJob {
  const messageIds = typeof ids === "string" ? [ids] : ids;
  return {
    body: { endpoint: "messages", messages: [JSON.stringify({ ids: messageIds })], options: undefined },
    messageIds,
    channels: [{ channel: Channel.SMS, destinations: messageIds.length }],
    flow: "caller",
    coalesce: true,
    signal: new AbortController().signal,
    fieldPath: (property) => `own.${property}`,
    ...job,
  };
}

/** The error that a call ends with. */
export async function errorOf(call: Promise<unknown>): Promise<ServiceError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ServiceError)) throw new Error("the call did not end with a ServiceError");
  return error;
}

/** Lets everything run that is ready to. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Fills the eager connections, so that what comes next waits for company. */
export async function fillEager(rig: QueueRig, count = 8): Promise<FakeRequest[]> {
  for (let index = 0; index < count; index++) {
    void rig.queue.send(jobOf(`eager-${index}`, { flow: "eager" })).catch(() => {});
  }
  await settle();
  return rig.requests.slice(-count);
}
