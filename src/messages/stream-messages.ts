import { setImmediate as nextTurn } from "node:timers/promises";
import type { MessagesService } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import type { SendMessagesRequest } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { StreamMessagesRequest, StreamOpen } from "../../gen/infobip/messages/v1/stream_messages_pb.js";
import type { CallContext } from "../rpc/call-context.ts";
import { callEnded } from "../rpc/call-ended.ts";
import { DrainNotice } from "../rpc/drain-notice.ts";
import { firstFrame } from "../rpc/first-frame.ts";
import type { InternalErrors } from "../rpc/internal-error.ts";
import type { BidiImplementation } from "../rpc/service-implementation.ts";
import { WakeUp } from "../rpc/wake-up.ts";
import { type ClockTimer, systemTimer } from "../timer.ts";
import type { SendCall } from "./send-call.ts";
import { openMisplaced, STREAM_BROKEN, streamDraining } from "./stream-errors.ts";
import { drainingFrame, openedFrame } from "./stream-frames.ts";
import { StreamLoad } from "./stream-load.ts";
import { StreamReader } from "./stream-reader.ts";
import { StreamResultEncoder } from "./stream-result-encoder.ts";
import { type StreamSendReport, StreamSends, type StreamSendsContext } from "./stream-sends.ts";
import { StreamTurnBudget } from "./stream-turn-budget.ts";

/** Time in which a client must send its open frame, in milliseconds. */
export const OPEN_TIMEOUT_MS = 30_000;
/** Credits of a client that names no number, and most that are granted where the service names none. */
export const DEFAULT_MAX_IN_FLIGHT = 1_000;
/**
 * A stream of a draining service on which nothing has happened for so long, with
 * no send without a result, is ended though its client has not closed its side;
 * in milliseconds.
 */
export const DRAIN_SILENCE_MS = 1_000;
/** A stream of a draining service ends so long before the listeners cut it, so that its status gets out first, in milliseconds. */
export const END_BEFORE_STOP_MS = 500;

/** Options of {@link createStreamMessages}. */
export interface StreamMessagesOptions {
  /** Sends one request. */
  readonly send: SendCall;
  /** Most bytes of one frame from a client, for its information. */
  readonly maxFrameBytes: number;
  /** Most destinations of one send, for its information. */
  readonly maxDestinations: number;
  /** Aborts when the service drains. */
  readonly draining: AbortSignal;
  /** When a draining service closes its streams at the latest, in Unix milliseconds. */
  readonly drainStopTime: () => number;
  /** What becomes of errors that no caller may see. */
  readonly errors: InternalErrors;
  /** Checks each send for the stream's caller, after validation; throws ServiceError. Not set: everyone may send everything. */
  readonly authorise?: (request: SendMessagesRequest, call: CallContext) => void;
  /** Most credits of one stream. Default: {@link DEFAULT_MAX_IN_FLIGHT}. */
  readonly maxInFlight?: number;
  /** Called once for each send, when it ends, refused ones included. Must not throw. */
  readonly onSend?: (report: StreamSendReport) => void;
  /** Unix milliseconds. Default: the system's clock. */
  readonly now?: () => number;
  readonly timer?: ClockTimer;
}

/** What the streams of one service share. */
interface Shared extends StreamSendsContext {
  readonly turns: StreamTurnBudget;
  readonly drain: DrainNotice;
  readonly drainStopTime: () => number;
  readonly now: () => number;
  readonly authorise: StreamMessagesOptions["authorise"];
}

/** Makes the implementation of MessagesService.StreamMessages. Its streams fail with ServiceError only. */
export function createStreamMessages(
  options: StreamMessagesOptions,
): BidiImplementation<(typeof MessagesService)["method"]["streamMessages"]> {
  const { maxFrameBytes, maxDestinations, maxInFlight = DEFAULT_MAX_IN_FLIGHT } = options;
  const shared: Shared = {
    send: options.send,
    authorise: options.authorise,
    errors: options.errors,
    onSend: options.onSend ?? (() => undefined),
    drainStopTime: options.drainStopTime,
    now: options.now ?? Date.now,
    timer: options.timer ?? systemTimer,
    drain: new DrainNotice(options.draining),
    load: new StreamLoad(),
    turns: new StreamTurnBudget(),
    encoder: new StreamResultEncoder(),
  };
  let streams = 0;
  return async function* (requests, call) {
    const frames = requests[Symbol.asyncIterator]();
    const open = await readOpen(frames, shared);
    const credits = Math.min(open.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT, maxInFlight);
    using stream = new MessageStream(shared, call, frames, `stream ${++streams}`, credits);
    yield openedFrame({ credits, maxFrameBytes: BigInt(maxFrameBytes), maxDestinations });
    yield* stream.frames();
  };
}

async function readOpen(
  frames: AsyncIterator<StreamMessagesRequest>,
  { timer, drain }: Shared,
): Promise<StreamOpen> {
  const none = () => openMisplaced(`must be the first frame, within ${OPEN_TIMEOUT_MS / 1_000} s`);
  const { frame } = await firstFrame(frames, { timer, drain, timeoutMs: OPEN_TIMEOUT_MS, none });
  if (frame.case !== "open") throw none();
  return frame.value;
}

/** One stream. Disposing of it lets go of the call and ends the sends under way. */
class MessageStream implements Disposable {
  readonly #shared: Shared;
  readonly #call: CallContext;
  readonly #sends: StreamSends;
  readonly #reader: StreamReader;
  readonly #wakeUp = new WakeUp();
  readonly #callOffDrain: () => void;
  /** When something last happened on a draining stream; undefined until the client was told. */
  #drainActiveAt: number | undefined;

  constructor(
    shared: Shared,
    call: CallContext,
    frames: AsyncIterator<StreamMessagesRequest>,
    flow: string,
    credits: number,
  ) {
    const { wake } = this.#wakeUp;
    const callDeadline = shared.timer.now() + (call.timeoutMs() ?? Number.POSITIVE_INFINITY);
    this.#shared = shared;
    this.#call = call;
    this.#sends = new StreamSends(
      shared,
      {
        flow,
        caller: call.caller?.name,
        trace: call.trace,
        authorise: shared.authorise && ((request) => shared.authorise?.(request, call)),
      },
      callDeadline,
      wake,
    );
    this.#reader = new StreamReader(frames, {
      sends: this.#sends,
      credits,
      drain: shared.drain,
      load: shared.load,
      turns: shared.turns,
      wake,
    });
    this.#callOffDrain = shared.drain.onDrain(wake);
    call.signal.addEventListener("abort", this.#onCallEnded);
    if (call.signal.aborted) this.#onCallEnded();
  }

  async *frames(): AsyncGenerator<Uint8Array> {
    void this.#reader.read();
    while (true) {
      if (this.#shared.drain.draining && this.#drainActiveAt === undefined) {
        this.#drainActiveAt = this.#shared.timer.now();
        yield drainingFrame(this.#shared.drainStopTime());
      }
      const results = this.#sends.results.takeFrame();
      if (results !== undefined) {
        // The credits are given back before the client can have the results.
        this.#reader.resume();
        if (this.#drainActiveAt !== undefined) this.#drainActiveAt = this.#shared.timer.now();
        yield results;
      } else if (this.#isOver()) {
        return;
      } else {
        await this.#wait();
      }
    }
  }

  /** The call has ended: what the stream has not sent yet is not sent, whenever this stream is run next. */
  readonly #onCallEnded = (): void => {
    this.#sends.close(this.#call.signal.reason);
    this.#wakeUp.wake();
  };

  /** Whether the stream comes to its good end. Throws when it comes to a bad one. */
  #isOver(): boolean {
    if (this.#call.signal.aborted) throw callEnded(this.#call.signal);
    if (this.#reader.failure !== undefined) throw this.#reader.failure;
    const { unanswered } = this.#sends;
    if (this.#reader.halfClosed && unanswered === 0) return true;
    if (this.#drainDelay() === 0) throw streamDraining(unanswered);
    return false;
  }

  async #wait(): Promise<void> {
    const delayMs = this.#drainDelay();
    const callOff =
      delayMs === Number.POSITIVE_INFINITY
        ? undefined
        : this.#shared.timer.schedule(delayMs, this.#wakeUp.wake);
    try {
      await this.#wakeUp.wait();
    } finally {
      callOff?.();
    }
    // What is done in the same turn of the event loop shares a frame.
    await nextTurn();
  }

  /** Milliseconds until the stream of a draining service ends; infinite before its client was told. */
  #drainDelay(): number {
    const { timer, now, drainStopTime } = this.#shared;
    if (this.#drainActiveAt === undefined) return Number.POSITIVE_INFINITY;
    const isIdle = this.#sends.unanswered === 0;
    // Every send gives a result, so results tell of frames from the client too.
    const silence = isIdle ? this.#drainActiveAt + DRAIN_SILENCE_MS - timer.now() : Number.POSITIVE_INFINITY;
    return Math.max(0, Math.min(silence, drainStopTime() - END_BEFORE_STOP_MS - now()));
  }

  [Symbol.dispose](): void {
    this.#call.signal.removeEventListener("abort", this.#onCallEnded);
    this.#callOffDrain();
    this.#reader.close();
    const isDrained = this.#drainActiveAt !== undefined && this.#reader.failure === undefined;
    this.#sends.close(isDrained ? streamDraining(this.#sends.unanswered) : STREAM_BROKEN);
  }
}
