/** Longest silence of a stream that shows a sign of life every second, in milliseconds. */
const SILENCE_MS = 6_000;

/** Ends a call whose other side hangs, as keepalive does: it is there, and nothing comes. */
export class SilenceAlarm implements Disposable {
  readonly #call = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #isHeard = false;

  constructor() {
    this.#timer = setTimeout(() => this.#ring(), SILENCE_MS);
  }

  /** Aborts when the alarm has rung, or {@link SilenceAlarm.end} was called. */
  get signal(): AbortSignal {
    return this.#call.signal;
  }

  /** Whether it has rung. */
  hasRung = false;

  /** Something has come. */
  heard(): void {
    this.#isHeard = true;
  }

  end(): void {
    this.#call.abort();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #ring(): void {
    if (this.#isHeard) {
      this.#isHeard = false;
      this.#timer.refresh();
      return;
    }
    this.hasRung = true;
    this.#call.abort();
  }
}
