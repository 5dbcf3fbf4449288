import type { NatsLink } from "../../nats/nats-link.ts";
import type { StreamState } from "../../nats/stream-layout.ts";
import { streamState } from "../../nats/streams.ts";
import type { Timer } from "../../timer.ts";
import { logIdOf } from "./event-stream.ts";

/** Time between two looks at the stream, in milliseconds. */
export const WATCH_INTERVAL_MS = 5_000;

/** What a {@link StreamWatch} works with. */
export interface StreamWatchParts {
  readonly link: NatsLink;
  readonly stream: string;
  readonly logId: string;
  readonly timer: Timer;
  /** As it was when it was opened. */
  readonly state: StreamState;
  /** Called after each look that went well, with what was seen. */
  readonly onState: (state: StreamState) => void;
  /** The stream is another one; called once. */
  readonly onForeign: (error: Error) => void;
}

/** Looks at the event stream every few seconds, and whenever asked to. */
export class StreamWatch {
  readonly #parts: StreamWatchParts;
  #state: StreamState;
  #problem: Error | undefined;
  #looking: Promise<StreamState> | undefined;
  #callOff: () => void = () => {};
  #isStopped = false;
  #isForeign = false;

  constructor(parts: StreamWatchParts) {
    this.#parts = parts;
    this.#state = parts.state;
    this.#schedule();
  }

  /** What was seen last. */
  get state(): StreamState {
    return this.#state;
  }

  /** Why the last look failed; undefined after one that went well. */
  get problem(): Error | undefined {
    return this.#problem;
  }

  /** Looks now, or joins the look in progress. Rejects when the stream cannot be seen or is another one. */
  look(): Promise<StreamState> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Looks no more. */
  stop(): void {
    this.#isStopped = true;
    this.#callOff();
  }

  async #look(): Promise<StreamState> {
    const { link, stream } = this.#parts;
    try {
      const state = await streamState(link, stream);
      this.#requireSame(state);
      this.#state = state;
      this.#problem = undefined;
    } catch (error) {
      this.#problem = error instanceof Error ? error : new Error(String(error));
      throw this.#problem;
    }
    if (!this.#isStopped) this.#parts.onState(this.#state);
    return this.#state;
  }

  #requireSame({ description }: StreamState): void {
    const { stream, logId, onForeign } = this.#parts;
    if (logIdOf(description) === logId) return;
    const error = new Error(
      `the NATS stream ${stream} is another event log than the one this process began with; restart the service`,
    );
    if (!this.#isForeign && !this.#isStopped) onForeign(error);
    this.#isForeign = true;
    throw error;
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#callOff = this.#parts.timer.schedule(WATCH_INTERVAL_MS, () => {
      const looked = this.#parts.link.isConnected ? this.look() : Promise.resolve();
      const again = (): void => this.#schedule();
      void looked.then(again, again);
    });
  }
}
