import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import {
  type SendMessagesResponse,
  SendMessagesResponseSchema,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { ensureServiceError, ServiceError } from "../errors.ts";
import type { AnswerStore, StoredAnswer } from "../eventlog/answer-store.ts";
import { CallWaiters, type Waiter } from "./call-waiters.ts";
import {
  asUnsent,
  endedMaybeSent,
  endedUnsent,
  errorOfLeaver,
  requestIdReused,
  requestIdsFull,
} from "./once-errors.ts";
import { type AttemptContext, type OnceRequest, SendAttempt } from "./send-attempt.ts";
import type { SendCallOptions } from "./send-call.ts";

/** What a {@link OnceCall} works with. */
export interface OnceCallContext extends AttemptContext {
  readonly answers: AnswerStore;
  /** Told how the number of waiting calls changes. */
  readonly onWaiting: (change: number) => void;
  /** Told that a call takes no further joins, before its callers learn how it ended. */
  readonly onEnd: (requestId: string) => void;
  /** Told of a call that gets the answer to an earlier one, or has other contents than it. */
  readonly onRepeat: (kind: "replayed" | "conflicting") => void;
  /** Told of an answer that went out without being stored. */
  readonly onNotStored: (error: ServiceError) => void;
}

/**
 * Everything that happens to one request id at one time, for all callers that
 * use it: one look-up of an earlier answer, one send at a time, one answer for
 * all. Until it tells its end it is the only one for its id.
 */
export class OnceCall {
  readonly #request: OnceRequest;
  readonly #context: OnceCallContext;
  readonly #waiters: CallWaiters;
  /** Whose leaving has ended the attempt: they learn how it ends. */
  #leavers: Waiter[] = [];
  /** While one is under way. */
  #attempt: SendAttempt | undefined;
  #wasAttempted = false;
  #response: SendMessagesResponse | undefined;

  constructor(request: OnceRequest, context: OnceCallContext) {
    this.#request = request;
    this.#context = context;
    this.#waiters = new CallWaiters((waiter) => this.#leave(waiter), context.onWaiting);
  }

  get messageIds(): readonly string[] {
    return this.#request.prepared.messageIds;
  }

  hasContents(payloadHash: Uint8Array): boolean {
    return Buffer.compare(this.#request.payloadHash, payloadHash) === 0;
  }

  /** Waits for the answer, as long as the caller's signal allows, which has not aborted. */
  join(options: SendCallOptions): Promise<SendMessagesResponse> {
    return this.#waiters.add(options, this.#context.timer.now());
  }

  /** Does the work; to be called once, after the first join. Resolves when nothing is left to do. Never rejects. */
  async run(): Promise<void> {
    try {
      await this.#answerOrSend();
    } catch (error) {
      this.#reject(error);
    }
  }

  async #answerOrSend(): Promise<void> {
    const { answers } = this.#context;
    const stored = await answers.find(this.#request.requestId).catch((error: unknown) => {
      throw asUnsent(error);
    });
    if (stored !== undefined) this.#replay(stored);
    else if (!answers.hasRoom()) this.#reject(requestIdsFull());
    else await this.#send();
  }

  #replay(stored: StoredAnswer): void {
    if (!this.hasContents(stored.payloadHash)) {
      this.#context.onRepeat("conflicting");
      throw requestIdReused();
    }
    this.#context.onRepeat("replayed");
    this.#resolve(fromBinary(SendMessagesResponseSchema, stored.response));
  }

  /** Sends until there is an answer, an error, or nobody who waits. */
  async #send(): Promise<void> {
    while (this.#waiters.size > 0) {
      const response = await this.#sendOnce(this.#waiters.lastDeadlineMs);
      if (response !== undefined) return this.#store(response);
    }
    this.#end();
  }

  /**
   * One attempt. When it ends without an answer the callers whom its end
   * concerns are told; whoever waits then is worth another attempt.
   */
  async #sendOnce(deadlineMs: number): Promise<SendMessagesResponse | undefined> {
    const attempt = new SendAttempt(this.#request, this.#context);
    this.#attempt = attempt;
    this.#wasAttempted = true;
    try {
      this.#response = await attempt.run(deadlineMs);
      return this.#response;
    } catch (error) {
      this.#attempt = undefined;
      if (attempt.wasAbandoned(error)) {
        this.#rejectLeavers(error);
        return attempt.lateAnswer(error);
      }
      // A refusal for want of time concerns those whose time it was.
      const untilMs = isRefusedForDeadline(error) ? deadlineMs : Number.POSITIVE_INFINITY;
      this.#rejectLeavers(error);
      this.#waiters.rejectUntil(untilMs, error);
      return undefined;
    }
  }

  /** Keeps the answer, then gives it to all who wait. It goes out all the same when it cannot be kept: the messages were sent. */
  async #store(response: SendMessagesResponse): Promise<void> {
    this.#response = response;
    for (const { resolve } of this.#leavers.splice(0)) resolve(response);
    try {
      const { requestId, payloadHash } = this.#request;
      const encoded = toBinary(SendMessagesResponseSchema, response);
      await this.#context.answers.save(requestId, { payloadHash, response: encoded });
    } catch (error) {
      this.#context.onNotStored(ensureServiceError(error));
    }
    this.#resolve(response);
  }

  #leave(waiter: Waiter): void {
    const { signal } = waiter.options;
    const isLast = this.#waiters.size === 0;
    if (this.#response !== undefined) {
      waiter.resolve(this.#response);
    } else if (isLast && this.#attempt !== undefined) {
      this.#leavers.push(waiter);
      this.#attempt.abandon(signal);
    } else if (isLast && !this.#wasAttempted) {
      waiter.reject(endedUnsent(signal));
    } else {
      waiter.reject(endedMaybeSent(signal, this.messageIds));
    }
  }

  #resolve(response: SendMessagesResponse): void {
    this.#end();
    this.#waiters.resolveAll(response);
  }

  #reject(error: unknown): void {
    this.#end();
    this.#rejectLeavers(error);
    this.#waiters.rejectUntil(Number.POSITIVE_INFINITY, error);
  }

  #rejectLeavers(error: unknown): void {
    for (const { options, reject } of this.#leavers.splice(0)) reject(errorOfLeaver(options.signal, error));
  }

  /** In one go with what it is decided by: who joined afterwards would wait for ever. */
  #end(): void {
    this.#context.onEnd(this.#request.requestId);
  }
}

/** The time that the attempt was given would not have been enough, so it was not made. */
function isRefusedForDeadline(error: unknown): boolean {
  return (
    error instanceof ServiceError &&
    error.code === Code.DeadlineExceeded &&
    error.metadata.outcome === "NOT_SENT"
  );
}
