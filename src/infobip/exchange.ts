import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import { CallFailure, type Stop } from "./call-failure.ts";
import type { HttpPool } from "./pool.ts";

/** What came back over HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Why the body is not whole; undefined when it is. */
  readonly incomplete: CallFailure | undefined;
}

/** What an {@link Exchange} tells its owner. */
export interface ExchangeEvents {
  /** The answer, whole or not. Exactly one of `answered` and `failed` is called, once. */
  readonly answered: (answer: HttpAnswer) => void;
  readonly failed: (failure: CallFailure) => void;
  /** The request's bytes begin to leave. */
  readonly written?: (() => void) | undefined;
  /**
   * The HTTP library has let go of the request, which can be later than
   * `failed`; `whole` when the answer was read to its end. Called once.
   */
  readonly released: (whole: boolean) => void;
}

/**
 * Handler of one dispatched request: collects the answer and knows whether
 * bytes had left. undici 8 calls onRequestStart in the same turn as, and right
 * before, it writes header and body to the socket, so everything that fails
 * before that call is proved unsent and everything after it is not. It never
 * repeats a request that it wrote and whose method is not idempotent.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #events: ExchangeEvents;
  readonly #maxBytes: number;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #size = 0;
  #settled = false;
  #released = false;

  constructor(maxBytes: number, events: ExchangeEvents) {
    this.#maxBytes = maxBytes;
    this.#events = events;
  }

  /** Ends the exchange from this side; closes the connection when the request had been written. */
  stop(stop: Stop): void {
    this.#fail({ stop });
    // Without a controller the request waits for a connection inside the library, which offers no way out of its queue.
    this.#controller?.abort(new Error("the call was ended"));
  }

  /** Dispatches the request, unless the call ended in the meantime. */
  dispatchTo(pool: HttpPool, options: Dispatcher.DispatchOptions): void {
    if (this.#settled) this.#release(false);
    else pool.dispatch(options, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new Error("the call was ended"));
    else this.#events.written?.();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    // 1xx answers come first and are followed by the real one.
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > this.#maxBytes) {
      const fault = Object.assign(new Error(`the answer is larger than ${this.#maxBytes} bytes`), {
        code: "RESPONSE_TOO_LARGE",
      });
      this.#fail({ fault });
      controller.abort(fault);
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (!this.#settled) {
      this.#settled = true;
      this.#events.answered(this.#answer(undefined));
    }
    this.#release(true);
  }

  onResponseError(_controller: Dispatcher.DispatchController, fault: Error): void {
    this.#fail({ fault });
    this.#release(false);
  }

  #fail(reason: { readonly stop?: Stop; readonly fault?: Error }): void {
    if (this.#settled) return;
    this.#settled = true;
    const failure = new CallFailure(this.#controller ? "ANSWER" : "CONNECT", reason);
    // The status is an answer in itself: a 400 whose body breaks off is still a refusal.
    if (this.#status === 0) this.#events.failed(failure);
    else this.#events.answered(this.#answer(failure));
  }

  #release(whole: boolean): void {
    if (this.#released) return;
    this.#released = true;
    this.#events.released(whole);
  }

  #answer(incomplete: CallFailure | undefined): HttpAnswer {
    const only = this.#chunks.length === 1 ? this.#chunks[0] : undefined;
    return {
      status: this.#status,
      headers: this.#headers,
      body: only ?? Buffer.concat(this.#chunks),
      incomplete,
    };
  }
}
