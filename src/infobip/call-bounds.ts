import { CallFailure, type Phase, type Stop } from "./call-failure.ts";
import { stopOf } from "./stop-reason.ts";

/** What bounds one call; `limitMs` is this client's own longest call. */
export interface BoundsOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number | undefined;
  readonly limitMs: number;
  readonly now: () => number;
}

/**
 * The caller's signal, the caller's deadline and this client's own limit as
 * one: tells the stage that is under way when any of them ends the call. One
 * object instead of AbortSignal.any with AbortSignal.timeout, which cost more
 * than the rest of the call's bookkeeping. Must be disposed.
 */
export class CallBounds implements Disposable {
  readonly #signal: AbortSignal;
  readonly #deadline: number;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout | undefined;
  #stop: Stop | undefined;
  #listener: ((stop: Stop) => void) | undefined;

  constructor({ signal, timeoutMs, limitMs, now }: BoundsOptions) {
    this.#signal = signal;
    this.#now = now;
    this.#deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : now() + timeoutMs;
    if (signal.aborted) this.#stop = this.#readReason();
    else if (timeoutMs !== undefined && timeoutMs <= 0) this.#stop = { kind: "DEADLINE" };
    if (this.#stop) return;
    const isCallers = timeoutMs !== undefined && timeoutMs <= limitMs;
    const stop: Stop = { kind: isCallers ? "DEADLINE" : "LIMIT" };
    this.#timer = setTimeout(() => this.#end(stop), isCallers ? timeoutMs : limitMs);
    signal.addEventListener("abort", this.#onAbort);
  }

  /** Set once the call has been ended from this side. */
  get stop(): Stop | undefined {
    return this.#stop;
  }

  /** Names the one listener of the stage under way; it is not called for what has ended already. */
  watch(listener: ((stop: Stop) => void) | undefined): void {
    this.#listener = listener;
  }

  /** Waits for work that others share, no longer than the call lasts. Rejects with CallFailure of the phase. */
  async race<T>(phase: Phase, work: Promise<T>): Promise<T> {
    if (this.#stop) throw new CallFailure(phase, { stop: this.#stop });
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    this.watch((stop) => reject(new CallFailure(phase, { stop })));
    try {
      return await Promise.race([work, stopped]);
    } finally {
      this.watch(undefined);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#listener = undefined;
  }

  readonly #onAbort = (): void => this.#end(this.#readReason());

  #end(stop: Stop): void {
    if (this.#stop) return;
    this.#stop = stop;
    this.#listener?.(stop);
  }

  #readReason(): Stop {
    return stopOf(this.#signal.reason, this.#now() >= this.#deadline);
  }
}
