import type { SubscriptionSession, TakeOptions, TakeResult } from "../eventlog/subscription-engine.ts";
import { takeInTurn } from "./session-takes.ts";

/** Takes events for one stream, when it asks for them. */
export class Deliveries {
  readonly #session: SubscriptionSession;
  readonly #options: TakeOptions;
  readonly #wake: () => void;
  readonly #closed = new AbortController();
  #isBusy = false;
  #isCatchingUp = true;
  #taken: TakeResult | undefined;
  /** Why no more can be taken. */
  failure: unknown;
  /** Nothing more is there to be taken, for the first time or after a full frame; whoever tells the client sets it back. */
  reachedEnd = false;

  /** `wake` is called whenever something has changed. */
  constructor(session: SubscriptionSession, options: TakeOptions, wake: () => void) {
    this.#session = session;
    this.#options = options;
    this.#wake = wake;
  }

  /** What was taken since the last call; begins to take more when there is nothing. Never waits. */
  next(): TakeResult | undefined {
    const taken = this.#taken;
    this.#taken = undefined;
    if (taken === undefined && !this.#isBusy && this.failure === undefined) void this.#take();
    return taken;
  }

  /** Gives back what was taken and not asked for, as if it had not been delivered; to be called before the session ends. */
  giveBack(): void {
    const taken = this.#taken;
    if (taken === undefined) return;
    this.#taken = undefined;
    this.#session.release(taken.deliveries.map(({ record }) => record.sequence));
  }

  /** Stops waiting for work. The end of the session gives back what was taken. */
  close(): void {
    this.#closed.abort();
  }

  async #take(): Promise<void> {
    this.#isBusy = true;
    try {
      const taken = await takeInTurn(this.#session, this.#options);
      const { length } = taken.deliveries;
      if (length > 0 || taken.gap !== undefined) {
        this.#taken = taken;
        this.#isCatchingUp ||= length >= this.#options.maxEvents;
      } else {
        this.#noteEnd();
        await this.#session.waitForWork(this.#closed.signal);
      }
    } catch (error) {
      this.failure = error;
    } finally {
      this.#isBusy = false;
      this.#wake();
    }
  }

  #noteEnd(): void {
    if (!this.#isCatchingUp) return;
    this.#isCatchingUp = false;
    this.reachedEnd = true;
    this.#wake();
  }
}
