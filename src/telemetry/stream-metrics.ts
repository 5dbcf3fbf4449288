import type { Meter } from "@opentelemetry/api";

/** A method that answers with a stream. */
type StreamMethod<R, C, F> = (request: R, context: C) => AsyncIterable<F>;

/** Counts the streams of one method that are open. */
export class StreamMetrics {
  readonly #method: string;
  readonly #name: string;
  #open = 0;

  /** `method` as in the contract; `name` of the gauge. */
  constructor(method: string, name: string) {
    this.#method = method;
    this.#name = name;
  }

  /**
   * The same method, whose streams count from the first frame that is asked for
   * until they end or their call does, whichever comes first.
   */
  counted<R, C extends { readonly signal: AbortSignal }, F>(
    method: StreamMethod<R, C, F>,
  ): StreamMethod<R, C, F> {
    return (request, context) => this.#count(method(request, context), context.signal);
  }

  async *#count<F>(frames: AsyncIterable<F>, signal: AbortSignal): AsyncGenerator<F> {
    let isOpen = true;
    const close = () => {
      if (isOpen) this.#open--;
      isOpen = false;
    };
    this.#open++;
    // A stream that nobody reads to its end is never told so.
    signal.addEventListener("abort", close, { once: true });
    if (signal.aborted) close();
    try {
      yield* frames;
    } finally {
      signal.removeEventListener("abort", close);
      close();
    }
  }

  /** Makes the instrument. */
  register(meter: Meter): void {
    meter
      .createObservableGauge(this.#name, { description: `${this.#method} streams that are open.` })
      .addCallback((result) => result.observe(this.#open));
  }
}
