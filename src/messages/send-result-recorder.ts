import { ensureServiceError, type ServiceError } from "../errors.ts";
import type { EventLog, NewEvent } from "../eventlog/event-log.ts";
import { type ClockTimer, systemTimer } from "../timer.ts";
import { AppendGatherer, MAX_APPEND_BYTES, MAX_APPEND_EVENTS, tooMuchWaiting } from "./append-gatherer.ts";
import { BoundedWaits } from "./bounded-waits.ts";
import { SendAnswerEncoder } from "./send-answer-encoder.ts";
import { type SentCall, sendResultEvent } from "./send-result-event.ts";

/** Longest time that an answer waits for its events to be durable, in milliseconds. */
export const MAX_RECORD_WAIT_MS = 2_000;
/** Most results that wait to be stored, those of the last call aside; further calls are not recorded. */
export const MAX_PENDING_RESULTS = 20_000;

/** Whether a caller's answer waits until its send results are durable; `off` records none. */
export type SendResultMode = "durable" | "relaxed" | "off";

/** Records what Infobip answered to sends. */
export interface SendResultRecorder {
  /**
   * Records the results of a call. Resolves when the answer may go out:
   * durable or not, at the latest after {@link MAX_RECORD_WAIT_MS} or when the
   * signal aborts. Never rejects.
   */
  record(call: SentCall, signal: AbortSignal): Promise<void>;
}

/** Results that were not recorded. */
export interface RecordFailure {
  readonly events: number;
  /** LOG_UNAVAILABLE or OVERLOADED, or INTERNAL. */
  readonly error: ServiceError;
}

/** What {@link openSendResultRecorder} works with. */
export interface SendResultRecorderOptions {
  readonly log: Pick<EventLog, "append">;
  readonly mode: SendResultMode;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Told of results that could not be stored. Must not throw. */
  readonly onFailure: (failure: RecordFailure) => void;
  /** Default {@link MAX_RECORD_WAIT_MS}. */
  readonly maxWaitMs?: number;
  /** Default {@link MAX_PENDING_RESULTS}. */
  readonly maxPending?: number;
  /** Default: the system's. */
  readonly timer?: ClockTimer;
}

/** Opens a recorder that writes to a log. Disposing of it waits for what is on its way there, so it comes before the log. */
export function openSendResultRecorder(
  options: SendResultRecorderOptions,
): SendResultRecorder & AsyncDisposable {
  return options.mode === "off" ? RECORD_NOTHING : new LogRecorder(options);
}

const RECORD_NOTHING: SendResultRecorder & AsyncDisposable = {
  record: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

class LogRecorder implements SendResultRecorder, AsyncDisposable {
  readonly #options: SendResultRecorderOptions;
  readonly #waits: BoundedWaits;
  readonly #maxPending: number;
  readonly #appends: AppendGatherer;
  readonly #answers = new SendAnswerEncoder();
  readonly #open = new Set<Promise<void>>();
  #pending = 0;

  constructor(options: SendResultRecorderOptions) {
    this.#options = options;
    this.#appends = new AppendGatherer(options.log);
    this.#waits = new BoundedWaits(options.maxWaitMs ?? MAX_RECORD_WAIT_MS, options.timer ?? systemTimer);
    this.#maxPending = options.maxPending ?? MAX_PENDING_RESULTS;
  }

  async record(call: SentCall, signal: AbortSignal): Promise<void> {
    const count = call.results.length;
    if (count === 0) return;
    if (this.#pending >= this.#maxPending) {
      this.#options.onFailure({ events: count, error: tooMuchWaiting() });
      return;
    }
    this.#pending += count;
    const stored = this.#store(call, 0, Math.floor(this.#options.now())).then(() => {
      this.#pending -= count;
      this.#open.delete(stored);
    });
    this.#open.add(stored);
    if (this.#options.mode === "durable") await this.#waits.until(stored, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
    this.#waits[Symbol.dispose]();
  }

  /** Stores the results from one on, an append at a time; holds on to the call only while results are left. Never rejects. */
  #store(call: SentCall, from: number, timeMs: number): Promise<void> {
    const left = call.results.length - from;
    const failed = (error: unknown): void =>
      this.#options.onFailure({ events: left, error: ensureServiceError(error) });
    try {
      const events = this.#nextEvents(call, from, timeMs);
      const rest = events.length < left ? call : undefined;
      const next = from + events.length;
      return this.#appends
        .append(events)
        .then(() => (rest === undefined ? undefined : this.#store(rest, next, timeMs)), failed);
    } catch (error) {
      failed(error);
      return Promise.resolve();
    }
  }

  #nextEvents(call: SentCall, from: number, timeMs: number): NewEvent[] {
    const events: NewEvent[] = [];
    let bytes = 0;
    for (let at = from; at < call.results.length && events.length < MAX_APPEND_EVENTS; at++) {
      const result = call.results[at];
      if (result === undefined || bytes > MAX_APPEND_BYTES) break;
      const event = sendResultEvent(call, result, timeMs, this.#answers);
      events.push(event);
      bytes += event.encoded.length;
    }
    return events;
  }
}
