import type { SendMessagesResponse } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { ServiceError } from "../errors.ts";
import type { ClockTimer } from "../timer.ts";
import type { MessageSender } from "./message-sender.ts";
import { endOfAttempt, isEndedByCallers } from "./once-errors.ts";
import type { PreparedRequest } from "./prepare-request.ts";
import type { SendOrigin } from "./send-call.ts";

/**
 * Longest wait for what became of a request whose callers have all gone, in
 * milliseconds. Only a safeguard: the queue ends such a request sooner.
 */
const MAX_LATE_MS = 15_000;

/** What is sent, under which request id. Of several callers the first counts as the origin. */
export interface OnceRequest extends SendOrigin {
  readonly requestId: string;
  readonly payloadHash: Uint8Array;
  readonly prepared: PreparedRequest;
  readonly coalesce: boolean;
  readonly flow: string;
}

/** What an attempt works with. */
export interface AttemptContext {
  readonly sender: MessageSender;
  readonly timer: ClockTimer;
}

/** One send on behalf of several callers, ended by none of them but when all have left. */
export class SendAttempt {
  readonly #request: OnceRequest;
  readonly #context: AttemptContext;
  readonly #controller = new AbortController();
  readonly #late = Promise.withResolvers<SendMessagesResponse | undefined>();

  constructor(request: OnceRequest, context: AttemptContext) {
    this.#request = request;
    this.#context = context;
  }

  /** Sends; `deadlineMs` is on the timer's clock, Infinity for none. Rejects as MessageSender.send does. To be called once. */
  run(deadlineMs: number): Promise<SendMessagesResponse> {
    const { prepared, coalesce, flow, caller, trace } = this.#request;
    const { sender, timer } = this.#context;
    return sender.send(prepared, {
      signal: this.#controller.signal,
      timeoutMs: Number.isFinite(deadlineMs) ? deadlineMs - timer.now() : undefined,
      flow,
      coalesce,
      caller,
      trace,
      onLate: (outcome) => this.#late.resolve(outcome instanceof ServiceError ? undefined : outcome),
    });
  }

  /** All callers have left; the signal is that of the last one. */
  abandon(signal: AbortSignal): void {
    this.#controller.abort(endOfAttempt(signal));
  }

  /** Whether the error that it has ended with is of the callers' making: nothing was sent, or the answer can follow. */
  wasAbandoned(error: unknown): boolean {
    if (!this.#controller.signal.aborted || !(error instanceof ServiceError)) return false;
    return error.metadata.outcome === "NOT_SENT" || isEndedByCallers(error);
  }

  /** What the request of an abandoned attempt was answered with after all; undefined when nothing was or will be. */
  async lateAnswer(error: unknown): Promise<SendMessagesResponse | undefined> {
    if (!isEndedByCallers(error)) return undefined;
    const { promise: tooLate, resolve } = Promise.withResolvers<undefined>();
    const cancel = this.#context.timer.schedule(MAX_LATE_MS, () => resolve(undefined));
    try {
      return await Promise.race([this.#late.promise, tooLate]);
    } finally {
      cancel();
    }
  }
}
