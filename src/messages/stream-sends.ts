import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Code } from "@connectrpc/connect";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { StreamSend } from "../../gen/infobip/messages/v1/stream_messages_pb.js";
import { type Reason, ServiceError } from "../errors.ts";
import { type InternalErrors, internalError } from "../rpc/internal-error.ts";
import type { ClockTimer } from "../timer.ts";
import { validate } from "../validation.ts";
import { brokenRules } from "./request-rules.ts";
import type { SendCall, SendOrigin } from "./send-call.ts";
import { Deadlines, type Limited } from "./stream-deadlines.ts";
import { REQUEST_MISSING, SEND_TIMED_OUT } from "./stream-errors.ts";
import { HeldResults } from "./stream-held-results.ts";
import type { StreamLoad } from "./stream-load.ts";
import type { StreamResultEncoder } from "./stream-result-encoder.ts";

/** How long a send may take that names no timeout, in milliseconds. */
export const DEFAULT_SEND_TIMEOUT_MS = 120_000;

/** Most sends of a stream that ends which are ended in one turn of the event loop: each costs an error and a record. */
export const ENDS_PER_TURN = 64;

const METHOD = "infobip.messages.v1.MessagesService/StreamMessages";

/** One send of a stream that has ended, for metrics. */
export interface StreamSendReport {
  /** undefined when the send ended well. */
  readonly code: Code | undefined;
  /** Machine reason of the error. */
  readonly reason: Reason | undefined;
  readonly durationMs: number;
}

/** What all sends of the service share. */
export interface StreamSendsContext {
  readonly send: SendCall;
  readonly timer: ClockTimer;
  readonly load: StreamLoad;
  readonly encoder: StreamResultEncoder;
  readonly errors: InternalErrors;
  /** Called once for each send, when it ends, refused ones included. Must not throw. */
  readonly onSend: (report: StreamSendReport) => void;
}

/** A send under way. */
class OpenSend implements Limited {
  readonly clientRef: string;
  readonly startedAt: number;
  readonly deadline: number;
  readonly controller = new AbortController();

  constructor(clientRef: string, startedAt: number, deadline: number) {
    this.clientRef = clientRef;
    this.startedAt = startedAt;
    this.deadline = deadline;
  }

  expire(): void {
    this.controller.abort(SEND_TIMED_OUT);
  }
}

/** Whose sends a stream carries. */
export interface StreamOrigin extends SendOrigin {
  readonly flow: string;
  /** Checks each send for its caller, after validation. Not set: the caller may send everything. */
  readonly authorise?: ((request: SendMessagesRequest) => void) | undefined;
}

/** The sends of one stream and their results. */
export class StreamSends {
  /** Results that are to be sent. */
  readonly results = new HeldResults();
  readonly #context: StreamSendsContext;
  readonly #flow: string;
  readonly #origin: StreamOrigin;
  readonly #callDeadline: number;
  readonly #wake: () => void;
  readonly #open = new Set<OpenSend>();
  readonly #deadlines: Deadlines;
  #isClosed = false;

  /** `callDeadline` is on the timer's clock; `wake` is called for each result. */
  constructor(context: StreamSendsContext, origin: StreamOrigin, callDeadline: number, wake: () => void) {
    this.#context = context;
    this.#flow = origin.flow;
    this.#origin = origin;
    this.#callDeadline = callDeadline;
    this.#wake = wake;
    this.#deadlines = new Deadlines(context.timer, this.#open);
  }

  /** Sends that were read and whose result was not taken to be sent. */
  get unanswered(): number {
    return this.#open.size + this.results.count;
  }

  /** Begins a send; its result comes, whatever happens, unless the stream ends before. */
  start({ clientRef, request, timeout }: StreamSend): void {
    const now = this.#context.timer.now();
    const timeoutMs = timeout === undefined ? DEFAULT_SEND_TIMEOUT_MS : durationMs(timeout);
    const deadline = Math.min(now + timeoutMs, this.#callDeadline);
    const one = new OpenSend(clientRef, now, deadline);
    this.#open.add(one);
    this.#context.load.began();
    this.#deadlines.watch(deadline);
    void this.#run(one, request, deadline - now);
  }

  /** The result of a send that is not begun. */
  refuse(clientRef: string, error: ServiceError): void {
    this.#context.onSend({ code: error.code, reason: error.reason, durationMs: 0 });
    this.#hold(this.#context.encoder.error(clientRef, error));
  }

  /** The stream ends: nobody waits for the sends under way. Many are ended over some turns of the event loop. */
  close(reason: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#deadlines[Symbol.dispose]();
    endInTurns([...this.#open], 0, reason);
  }

  /** Never rejects. */
  async #run(one: OpenSend, request: SendMessagesRequest | undefined, timeoutMs: number): Promise<void> {
    const { encoder, send } = this.#context;
    let entry: Uint8Array | undefined;
    let error: ServiceError | undefined;
    try {
      const { signal } = one.controller;
      const sent = checked(request);
      this.#origin.authorise?.(sent);
      const response = await send(sent, {
        signal,
        timeoutMs,
        flow: this.#flow,
        caller: this.#origin.caller,
        trace: this.#origin.trace,
      });
      if (!this.#isClosed) entry = encoder.response(one.clientRef, response);
    } catch (thrown) {
      error = this.#errorOf(thrown);
      if (!this.#isClosed) entry = encoder.error(one.clientRef, error);
    }
    this.#open.delete(one);
    this.#context.load.ended();
    const durationMs = this.#context.timer.now() - one.startedAt;
    this.#context.onSend({ code: error?.code, reason: error?.reason, durationMs });
    if (entry !== undefined) this.#hold(entry);
  }

  #errorOf(thrown: unknown): ServiceError {
    return thrown instanceof ServiceError ? thrown : internalError(thrown, METHOD, this.#context.errors);
  }

  #hold(entry: Uint8Array): void {
    if (this.#isClosed) return;
    this.results.add(entry);
    this.#wake();
  }
}

/** Ends the first of the sends at once, so that few are ended without delay. */
function endInTurns(sends: readonly OpenSend[], from: number, reason: unknown): void {
  const next = Math.min(sends.length, from + ENDS_PER_TURN);
  for (let at = from; at < next; at++) sends[at]?.controller.abort(reason);
  if (next < sends.length) setImmediate(endInTurns, sends, next, reason);
}

/** Gives a request back that keeps the rules of its proto file; throws otherwise. */
function checked(request: SendMessagesRequest | undefined): SendMessagesRequest {
  if (request === undefined) throw REQUEST_MISSING;
  const violations = validate(SendMessagesRequestSchema, request);
  if (violations.length > 0) throw brokenRules(violations);
  return request;
}
