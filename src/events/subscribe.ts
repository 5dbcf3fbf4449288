import { durationMs } from "@bufbuild/protobuf/wkt";
import type { SubscribeRequest, SubscribeStart } from "../../gen/infobip/events/v1/subscribe_pb.js";
import {
  endOf,
  type SessionEnd,
  type SubscriptionSession,
  type TakeOptions,
} from "../eventlog/subscription-engine.ts";
import type { CallContext } from "../rpc/call-context.ts";
import { callEnded, orCallEnded } from "../rpc/call-ended.ts";
import { WakeUp } from "../rpc/wake-up.ts";
import { ClientFrames, MAX_UNANSWERED_FRAMES } from "./client-frames.ts";
import { ConsumerDrain } from "./consumer-drain.ts";
import { deliveredFrames } from "./delivered-frames.ts";
import { Deliveries } from "./deliveries.ts";
import { MAX_FRAME_BYTES, MAX_FRAME_EVENTS } from "./event-frames.ts";
import { endWithCall } from "./session-errors.ts";
import { ackResultOf } from "./settlements.ts";
import { ackResultFrame, drainingFrame, gapFrame, progressFrame, startedFrame } from "./subscribe-frames.ts";
import { readStart } from "./subscribe-start.ts";
import type { EventsMethod, SubscriptionContext } from "./subscription-context.ts";
import { subscriptionId } from "./subscription-names.ts";
import { describeSubscription } from "./subscription-view.ts";
import { DEFAULT_PROGRESS_INTERVAL_MS } from "./watch-events.ts";

/** Lease of a session where its consumer names none, in milliseconds. */
export const DEFAULT_LEASE_MS = 30_000;
/** Most events a consumer holds where it names no number. */
export const DEFAULT_MAX_OUTSTANDING = 1_000;
/** A stream of a draining service ends so long before the listeners cut it, in milliseconds. */
const END_BEFORE_STOP_MS = 200;

/**
 * Makes the implementation of EventsService.Subscribe. Its streams fail with
 * ServiceError only. A session ends with its stream: LEFT when the client
 * closes its side or its deadline passes, DRAINED when the service stops,
 * CONNECTION_LOST when the call breaks, is cancelled, or breaks a rule.
 */
export function createSubscribe(context: SubscriptionContext): EventsMethod<"subscribe"> {
  return async function* (requests, call) {
    const frames = requests[Symbol.asyncIterator]();
    const start = await readStart(frames, context.timer, context.drain);
    const id = subscriptionId(start.subscription);
    const session = context.engine.join(id, {
      clientId: start.clientId,
      leaseMs: start.lease === undefined ? DEFAULT_LEASE_MS : durationMs(start.lease),
      maxOutstanding: start.maxOutstanding ?? DEFAULT_MAX_OUTSTANDING,
    });
    using stream = new SubscribeStream(context, call, session, start, frames);
    yield* stream.frames();
  };
}

function takeOptions(includeRaw: boolean | undefined): TakeOptions {
  return { maxEvents: MAX_FRAME_EVENTS, maxBytes: MAX_FRAME_BYTES, includeRaw: includeRaw ?? false };
}

/** One stream. Disposing of it lets go of the call and the session. */
class SubscribeStream implements Disposable {
  readonly #context: SubscriptionContext;
  readonly #call: CallContext;
  readonly #session: SubscriptionSession;
  readonly #subscription: string;
  readonly #client: ClientFrames;
  readonly #deliveries: Deliveries;
  readonly #wakeUp = new WakeUp();
  readonly #progressIntervalMs: number;
  readonly #drain: ConsumerDrain;
  readonly #callOffDrain: () => void;
  #lastProgress: number;
  #toldDraining = false;

  constructor(
    context: SubscriptionContext,
    call: CallContext,
    session: SubscriptionSession,
    start: SubscribeStart,
    frames: AsyncIterator<SubscribeRequest>,
  ) {
    const { wake } = this.#wakeUp;
    const { progressInterval, includeRawBody } = start;
    this.#context = context;
    this.#call = call;
    this.#session = session;
    this.#subscription = subscriptionId(start.subscription);
    this.#progressIntervalMs =
      progressInterval === undefined ? DEFAULT_PROGRESS_INTERVAL_MS : durationMs(progressInterval);
    this.#lastProgress = context.timer.now();
    this.#client = new ClientFrames(frames, session, context.log, wake);
    this.#deliveries = new Deliveries(session, takeOptions(includeRawBody), wake);
    this.#drain = new ConsumerDrain(context, call);
    this.#callOffDrain = this.#drain.onDrain(wake);
    session.ended.addEventListener("abort", wake);
    call.signal.addEventListener("abort", this.#onCallEnded);
    if (call.signal.aborted) this.#onCallEnded();
  }

  async *frames(): AsyncGenerator<Uint8Array> {
    const { engine } = this.#context;
    // What stops this generator from outside is a listener whose client has gone.
    let end: SessionEnd = "CONNECTION_LOST";
    try {
      const described = describeSubscription(this.#context, engine.get(this.#subscription));
      yield startedFrame(this.#session, await orCallEnded(described, this.#call.signal));
      void this.#client.read();
      while (!this.#isOver()) {
        let sent = 0;
        for await (const frame of this.#due()) {
          sent++;
          yield frame;
        }
        // What was sent has changed what is due, so there is a wait only after nothing was.
        if (sent === 0) await this.#wait();
      }
      end = this.#client.halfClosed ? "LEFT" : "DRAINED";
    } catch (error) {
      // A client that breaks a rule has not handled what it holds; what fails here is no fault of the client.
      if (error !== this.#client.failure) end = "LEFT";
      throw error;
    } finally {
      this.#deliveries.giveBack();
      await this.#session.end(end);
    }
  }

  /** The call has ended: what the session holds goes to others at once, whenever this stream is run next. */
  readonly #onCallEnded = (): void => {
    this.#deliveries.giveBack();
    void this.#session.end(endWithCall(this.#call));
    this.#wakeUp.wake();
  };

  /** Whether the stream comes to its good end. Throws when it comes to a bad one. */
  #isOver(): boolean {
    if (this.#call.signal.aborted) throw callEnded(this.#call.signal);
    const isDrained = this.#toldDraining && (this.#session.ended.aborted || this.#drainDelay() === 0);
    if (isDrained || (this.#client.halfClosed && this.#client.isAnswered)) return true;
    // The client hears of the drain first, also when the engine has ended the session already.
    if (this.#drain.draining && !this.#toldDraining) return false;
    if (this.#session.ended.aborted) throw endOf(this.#session);
    const failure = this.#client.failure ?? this.#deliveries.failure;
    if (failure !== undefined) throw failure;
    return false;
  }

  /** The frames that can be sent now: each kind gets its turn, however many there are of another. */
  async *#due(): AsyncGenerator<Uint8Array> {
    yield* this.#results();
    if (this.#drain.draining && !this.#toldDraining) {
      this.#toldDraining = true;
      yield drainingFrame(this.#drain.stopTime);
    }
    yield* this.#progress();
    if (this.#toldDraining || this.#client.halfClosed) return;
    const taken = this.#deliveries.next();
    if (taken === undefined) return;
    if (taken.gap !== undefined) yield gapFrame(this.#context.log.id, taken.gap);
    yield* deliveredFrames(taken.deliveries);
  }

  *#results(): Generator<Uint8Array> {
    for (let sent = 0; sent < MAX_UNANSWERED_FRAMES; sent++) {
      const result = this.#client.nextResult();
      if (result === undefined) return;
      yield ackResultFrame(ackResultOf(result, this.#session));
    }
  }

  async *#progress(): AsyncGenerator<Uint8Array> {
    const pings = this.#client.takePings();
    const isDue = this.#progressDelay() === 0;
    if (pings === 0 && !isDue && !this.#deliveries.reachedEnd) return;
    if (isDue) this.#lastProgress = this.#context.timer.now();
    this.#deliveries.reachedEnd = false;
    const progress = await orCallEnded(this.#session.progress(), this.#call.signal);
    const frame = progressFrame(this.#context, progress);
    for (let sent = 0; sent < Math.max(1, pings); sent++) yield frame;
  }

  async #wait(): Promise<void> {
    const { schedule } = this.#context.timer;
    const delayMs = Math.min(this.#progressDelay(), this.#toldDraining ? this.#drainDelay() : Infinity);
    const callOff = schedule(delayMs, this.#wakeUp.wake);
    try {
      await this.#wakeUp.wait();
    } finally {
      callOff();
    }
  }

  /** Milliseconds until the next progress frame is due. */
  #progressDelay(): number {
    return Math.max(0, this.#progressIntervalMs - (this.#context.timer.now() - this.#lastProgress));
  }

  /** Milliseconds until the stream of a draining service ends. */
  #drainDelay(): number {
    return Math.max(0, this.#drain.stopTime - END_BEFORE_STOP_MS - this.#context.now());
  }

  [Symbol.dispose](): void {
    this.#call.signal.removeEventListener("abort", this.#onCallEnded);
    this.#session.ended.removeEventListener("abort", this.#wakeUp.wake);
    this.#callOffDrain();
    this.#client.close();
    this.#deliveries.close();
  }
}
