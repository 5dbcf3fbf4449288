import { setImmediate as nextTurn } from "node:timers/promises";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { EventsService, WatchEventsRequest } from "../../gen/infobip/events/v1/events_service_pb.js";
import { cursorExpired } from "../eventlog/cursor.ts";
import type { EventLog, ReadOptions } from "../eventlog/event-log.ts";
import { compileFilter } from "../eventlog/filter.ts";
import type { CallContext } from "../rpc/call-context.ts";
import { callEnded, orCallEnded, serviceDraining } from "../rpc/call-ended.ts";
import { DrainNotice } from "../rpc/drain-notice.ts";
import type { ServerStreamImplementation } from "../rpc/service-implementation.ts";
import { type ClockTimer, systemTimer } from "../timer.ts";
import { eventFrames, MAX_FRAME_BYTES, MAX_FRAME_EVENTS } from "./event-frames.ts";
import { isExpired } from "./history-reads.ts";
import type { OpenWatches } from "./open-watches.ts";
import { ReplayTurns } from "./replay-turns.ts";
import { waitForWork } from "./wait-for-work.ts";
import { drainingFrame, gapFrame, progressFrame, startedFrame } from "./watch-frames.ts";
import { resolveStart, resumesExpired } from "./watch-start.ts";

/** Time between progress frames when the client names none, in milliseconds. */
export const DEFAULT_PROGRESS_INTERVAL_MS = 10_000;
/** Least time between progress frames, in milliseconds; request validation demands the same. */
export const MIN_PROGRESS_INTERVAL_MS = 1_000;

/** What WatchEvents works with. */
export interface WatchEventsOptions {
  readonly log: EventLog;
  /** Aborts when the service drains; streams then end, and new ones are refused. */
  readonly draining: AbortSignal;
  /** When a draining service closes its streams at the latest, in Unix milliseconds. */
  readonly drainStopTime: () => number;
  /** Unix milliseconds. Default: the system's clock. */
  readonly now?: () => number;
  /** Default: the system's timer. */
  readonly timer?: ClockTimer;
  /** Where replay reads wait for their turn, shared by all that read the log's past. Default: turns of its own. */
  readonly turns?: ReplayTurns;
  /** Where open streams are told, for metrics. Default: nowhere. */
  readonly watches?: OpenWatches;
}

type WatchEvents = ServerStreamImplementation<(typeof EventsService)["method"]["watchEvents"]>;

/**
 * Makes the implementation of EventsService.WatchEvents. Its streams hold no
 * timer, listener or waiter while they are not being read, so one that is
 * dropped leaves nothing behind. They fail with ServiceError only. All of them
 * together make one replay read in a turn of the event loop, so the service
 * makes one implementation for its log.
 */
export function createWatchEvents(options: WatchEventsOptions): WatchEvents {
  const drain = new DrainNotice(options.draining);
  const turns = options.turns ?? new ReplayTurns();
  return (request, context) => new Watch(options, { drain, turns }, request, context).frames();
}

/** What the streams of one implementation share. */
interface Shared {
  readonly drain: DrainNotice;
  readonly turns: ReplayTurns;
}

/** One stream. */
class Watch {
  readonly #log: EventLog;
  readonly #watches: OpenWatches | undefined;
  readonly #turns: ReplayTurns;
  readonly #drain: DrainNotice;
  readonly #request: WatchEventsRequest;
  readonly #signal: AbortSignal;
  readonly #now: () => number;
  readonly #timer: ClockTimer;
  readonly #drainStopTime: () => number;
  readonly #progressIntervalMs: number;
  #position = 0;
  #lastProgress = 0;

  constructor(
    options: WatchEventsOptions,
    shared: Shared,
    request: WatchEventsRequest,
    context: CallContext,
  ) {
    this.#log = options.log;
    this.#watches = options.watches;
    this.#now = options.now ?? Date.now;
    this.#timer = options.timer ?? systemTimer;
    this.#drainStopTime = options.drainStopTime;
    this.#drain = shared.drain;
    this.#turns = shared.turns;
    this.#request = request;
    this.#signal = context.signal;
    const wanted = request.progressInterval;
    const intervalMs = wanted === undefined ? DEFAULT_PROGRESS_INTERVAL_MS : durationMs(wanted);
    this.#progressIntervalMs = Math.max(MIN_PROGRESS_INTERVAL_MS, intervalMs);
  }

  /** How far it has come: what is stored after it is still to be passed on. */
  get position(): number {
    return this.#position;
  }

  async *frames(): AsyncGenerator<Uint8Array> {
    if (this.#drain.draining) throw serviceDraining();
    const read = this.#readOptions();
    const start = await orCallEnded(resolveStart(this.#log, this.#request), this.#signal);
    this.#position = start.position;
    this.#watches?.open(this, this.#signal);
    this.#lastProgress = this.#timer.now();
    const replayTo = this.#log.bounds().head;
    try {
      yield startedFrame(this.#log, this.#position);
      if (start.gapFrom !== undefined) yield gapFrame(this.#log, start.gapFrom, this.#position);
      if (this.#position < replayTo) {
        yield* this.#passOn(read, replayTo);
        if (!this.#drain.draining) yield await this.#progress();
      }
      yield* this.#passOn(read, Number.POSITIVE_INFINITY);
      yield drainingFrame(this.#drainStopTime());
    } finally {
      this.#watches?.close(this);
    }
  }

  /** The one loop for replay and live: passes on what is stored until a position is reached or the service drains. */
  async *#passOn(read: ReadOptions, until: number): AsyncGenerator<Uint8Array> {
    while (this.#position < until && !this.#drain.draining) {
      if (this.#signal.aborted) throw callEnded(this.#signal);
      const { earliest, head } = this.#log.bounds();
      if (this.#position < earliest) {
        yield this.#skipTo(earliest);
      } else {
        await this.#waitForWork(head, until);
        // Also when the wait brought nothing: a log that can no longer be read says so here.
        yield* this.#readOnce(read);
      }
      if (this.#progressDelay() === 0) yield await this.#progress();
    }
  }

  async *#readOnce(read: ReadOptions): AsyncGenerator<Uint8Array> {
    const result = await orCallEnded(this.#log.read(this.#position, read), this.#signal).catch(orOvertaken);
    if (result === undefined) return;
    const { records, examinedTo } = result;
    for (const { bytes, lastSequence } of eventFrames(records)) {
      yield bytes;
      this.#position = lastSequence;
      if (this.#drain.draining || this.#signal.aborted) return;
    }
    this.#position = examinedTo;
  }

  /** Retention has overtaken this stream. */
  #skipTo(earliest: number): Uint8Array {
    if (!resumesExpired(this.#request)) throw cursorExpired(this.#log.id, earliest);
    const frame = gapFrame(this.#log, this.#position, earliest);
    this.#position = earliest;
    return frame;
  }

  /** A stream at the head waits for news; one behind it for its turn, so that no replay keeps others from theirs. */
  async #waitForWork(head: number, until: number): Promise<void> {
    if (this.#position >= head) await this.#waitForNews();
    else if (until <= head || head - this.#position > MAX_FRAME_EVENTS) await this.#turns.take(this.#signal);
    else await nextTurn();
    if (this.#signal.aborted) throw callEnded(this.#signal);
  }

  async #waitForNews(): Promise<void> {
    await waitForWork(this.#log, this.#position, {
      signal: this.#signal,
      drain: this.#drain,
      timer: this.#timer,
      delayMs: this.#progressDelay(),
    });
  }

  /** Milliseconds until the next progress frame is due. */
  #progressDelay(): number {
    return Math.max(0, this.#progressIntervalMs - (this.#timer.now() - this.#lastProgress));
  }

  #progress(): Promise<Uint8Array> {
    this.#lastProgress = this.#timer.now();
    return orCallEnded(progressFrame(this.#log, this.#position, this.#now()), this.#signal);
  }

  #readOptions(): ReadOptions {
    const matches = compileFilter(this.#request.filter);
    return {
      limit: MAX_FRAME_EVENTS,
      maxBytes: MAX_FRAME_BYTES,
      includeRaw: this.#request.includeRawBody ?? false,
      ...(matches === undefined ? {} : { matches }),
    };
  }
}

/** Retention may overtake a stream between the look at the bounds and the read; the next look says what that means for it. */
function orOvertaken(error: unknown): undefined {
  if (!isExpired(error)) throw error;
}
