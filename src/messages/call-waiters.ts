import type { SendMessagesResponse } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { SendCallOptions } from "./send-call.ts";

/** One call that waits for what others may wait for too. */
export interface Waiter {
  readonly options: SendCallOptions;
  /** On the clock of the calls; Infinity without a deadline. */
  readonly deadlineMs: number;
  readonly resolve: (response: SendMessagesResponse) => void;
  readonly reject: (error: unknown) => void;
  readonly onAbort: () => void;
}

/** The calls that wait for one answer, each for as long as its own signal lets it. */
export class CallWaiters {
  readonly #open = new Set<Waiter>();
  readonly #onLeave: (waiter: Waiter) => void;
  readonly #onCount: (change: number) => void;

  /** `onLeave` is told of each call that its signal has ended, when it is no longer among the waiting; `onCount` of their number. Neither may throw. */
  constructor(onLeave: (waiter: Waiter) => void, onCount: (change: number) => void) {
    this.#onLeave = onLeave;
    this.#onCount = onCount;
  }

  /** Calls that wait. */
  get size(): number {
    return this.#open.size;
  }

  /** The latest of their deadlines, Infinity when one has none. */
  get lastDeadlineMs(): number {
    let last = Number.NEGATIVE_INFINITY;
    for (const { deadlineMs } of this.#open) last = Math.max(last, deadlineMs);
    return last;
  }

  /** Adds a call whose signal has not aborted. */
  add(options: SendCallOptions, now: number): Promise<SendMessagesResponse> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        if (this.#remove(waiter)) this.#onLeave(waiter);
      };
      const deadlineMs = now + (options.timeoutMs ?? Number.POSITIVE_INFINITY);
      const waiter: Waiter = { options, deadlineMs, resolve, reject, onAbort };
      this.#open.add(waiter);
      this.#onCount(1);
      options.signal.addEventListener("abort", onAbort);
    });
  }

  /** Answers all. */
  resolveAll(response: SendMessagesResponse): void {
    for (const waiter of this.#open) {
      this.#remove(waiter);
      waiter.resolve(response);
    }
  }

  /** Fails those whose deadline is at most `untilMs`. */
  rejectUntil(untilMs: number, error: unknown): void {
    for (const waiter of this.#open) {
      if (waiter.deadlineMs > untilMs) continue;
      this.#remove(waiter);
      waiter.reject(error);
    }
  }

  #remove(waiter: Waiter): boolean {
    if (!this.#open.delete(waiter)) return false;
    waiter.options.signal.removeEventListener("abort", waiter.onAbort);
    this.#onCount(-1);
    return true;
  }
}
