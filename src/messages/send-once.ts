import type {
  SendMessagesRequest,
  SendMessagesResponse,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { ServiceError } from "../errors.ts";
import type { AnswerStore } from "../eventlog/answer-store.ts";
import type { ClockTimer } from "../timer.ts";
import { derivedMessageIds } from "./derived-message-id.ts";
import type { NewMessageId } from "./destination-slots.ts";
import type { MessageSender } from "./message-sender.ts";
import { OnceCall, type OnceCallContext } from "./once-call.ts";
import { endedUnsent, requestIdReused, tooManyOpen, tooManyRepeats } from "./once-errors.ts";
import { hashOfSend } from "./payload-hash.ts";
import type { PreparedRequest } from "./prepare-request.ts";
import type { SendCall, SendCallOptions } from "./send-call.ts";

/** Most request ids that are in use at one time, those of callers who have gone included. */
export const MAX_OPEN_REQUEST_IDS = 65_536;
/** Most calls that wait for an answer at one time, repeats included. */
export const MAX_WAITING_CALLS = 2 * MAX_OPEN_REQUEST_IDS;

/**
 * How a call relates to an earlier one with its request id: it gets the stored
 * answer, waits for the same answer, or has other contents.
 */
export type RepeatKind = "replayed" | "joined" | "conflicting";

/** What {@link createSendOnce} works with. */
export interface SendOnceOptions {
  readonly sender: MessageSender;
  /** Makes a request ready to leave, with ids from the given source. */
  readonly prepare: (request: SendMessagesRequest, newMessageId: NewMessageId) => PreparedRequest;
  /** Ids for requests without a request id. */
  readonly newMessageId: NewMessageId;
  readonly answers: AnswerStore;
  readonly timer: ClockTimer;
  /** Told of each call that repeats another one. Must not throw. */
  readonly onRepeat?: (kind: RepeatKind) => void;
  /** Told of an answer that went out without being stored. Must not throw. */
  readonly onNotStored?: (error: ServiceError) => void;
}

/** Sends by request id. Disposing of it waits for answers that are on their way into the store. */
export interface SendOnce extends AsyncDisposable {
  readonly send: SendCall;
}

/**
 * Makes SendMessages repeatable. A call with a request id whose answer is
 * stored gets that answer; one whose id is in use waits for the answer of the
 * call that uses it; any other one is sent under message ids that are derived
 * from the request id and the contents. Calls without a request id are just
 * sent.
 *
 * To be disposed of after the queue, whose late answers it stores, and before
 * the answer store.
 */
export function createSendOnce(options: SendOnceOptions): SendOnce {
  return new OnceSender(options);
}

class OnceSender implements SendOnce {
  readonly #options: SendOnceOptions;
  readonly #context: OnceCallContext;
  readonly #open = new Map<string, OnceCall>();
  readonly #running = new Set<Promise<void>>();
  #waiting = 0;

  constructor(options: SendOnceOptions) {
    this.#options = options;
    this.#context = {
      sender: options.sender,
      answers: options.answers,
      timer: options.timer,
      onWaiting: (change) => {
        this.#waiting += change;
      },
      onEnd: (requestId) => this.#open.delete(requestId),
      onRepeat: options.onRepeat ?? (() => undefined),
      onNotStored: options.onNotStored ?? (() => undefined),
    };
  }

  readonly send: SendCall = async (request, options) => {
    const { requestId } = request;
    if (requestId !== undefined) return this.#sendOnce(requestId, request, options);
    const prepared = this.#options.prepare(request, this.#options.newMessageId);
    return this.#options.sender.send(prepared, { ...options, coalesce: request.coalesce !== false });
  };

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #sendOnce(
    requestId: string,
    request: SendMessagesRequest,
    options: SendCallOptions,
  ): Promise<SendMessagesResponse> {
    if (options.signal.aborted) throw endedUnsent(options.signal);
    const payloadHash = hashOfSend(request);
    const open = this.#open.get(requestId);
    if (open === undefined) return this.#begin(requestId, payloadHash, request, options);
    if (!open.hasContents(payloadHash)) {
      this.#context.onRepeat("conflicting");
      throw requestIdReused();
    }
    if (this.#waiting >= MAX_WAITING_CALLS) throw tooManyRepeats(open.messageIds);
    this.#options.onRepeat?.("joined");
    return open.join(options);
  }

  #begin(
    requestId: string,
    payloadHash: Uint8Array,
    request: SendMessagesRequest,
    options: SendCallOptions,
  ): Promise<SendMessagesResponse> {
    if (this.#open.size >= MAX_OPEN_REQUEST_IDS || this.#waiting >= MAX_WAITING_CALLS) throw tooManyOpen();
    const prepared = this.#options.prepare(request, derivedMessageIds("send", requestId, payloadHash));
    const coalesce = request.coalesce !== false;
    const call = new OnceCall(
      {
        requestId,
        payloadHash,
        prepared,
        coalesce,
        flow: options.flow,
        caller: options.caller,
        trace: options.trace,
      },
      this.#context,
    );
    this.#open.set(requestId, call);
    const answer = call.join(options);
    const running = call.run().then(() => {
      this.#running.delete(running);
    });
    this.#running.add(running);
    return answer;
  }
}
