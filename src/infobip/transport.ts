import type { Dispatcher } from "undici";
import { parseBaseUrl } from "./base-url.ts";
import type { CallBounds } from "./call-bounds.ts";
import { CallFailure } from "./call-failure.ts";
import {
  DEFAULT_BODY_TIMEOUT_MS,
  DEFAULT_CLOSE_TIMEOUT_MS,
  DEFAULT_CONNECT_TIMEOUT_MS,
  DEFAULT_CONNECTIONS,
  DEFAULT_HEADERS_TIMEOUT_MS,
  DEFAULT_KEEP_ALIVE_MS,
  DEFAULT_MAX_RESPONSE_BYTES,
  type InfobipClientOptions,
} from "./client-options.ts";
import { Exchange, type HttpAnswer } from "./exchange.ts";
import { type HttpPool, newPool } from "./pool.ts";
import { endOfRequest, type RequestObserver } from "./request-report.ts";

/** One request. */
export interface HttpRequest {
  readonly method: "GET" | "POST";
  /** Path of the endpoint, without the base URL's prefix. */
  readonly path: string;
  readonly body?: string | undefined;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly bounds: CallBounds;
  /** Called once, when the request takes up no connection any more. */
  readonly released?: () => void;
  /** Called when the request's bytes begin to leave. */
  readonly written?: (() => void) | undefined;
}

/** The connections to Infobip: HTTP/1.1, kept alive, one request at a time on each. */
export class Transport implements AsyncDisposable {
  readonly #pool: HttpPool;
  readonly #pathPrefix: string;
  readonly #maxResponseBytes: number;
  readonly #closeTimeoutMs: number;
  readonly #origin: URL;
  readonly #onRequestEnd: RequestObserver | undefined;
  readonly #now: () => number;
  /** Connections whose answer came in this turn of the event loop. */
  #settling = 0;
  /** Requests that wait for one of those. */
  #deferred = 0;
  #closed: Promise<void> | undefined;

  constructor(options: InfobipClientOptions) {
    const { origin, pathPrefix } = parseBaseUrl(options.baseUrl);
    this.#pathPrefix = pathPrefix;
    this.#origin = new URL(origin);
    this.#onRequestEnd = options.onRequestEnd;
    this.#now = options.monotonicNow ?? (() => performance.now());
    this.#maxResponseBytes = options.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES;
    this.#closeTimeoutMs = options.closeTimeoutMs ?? DEFAULT_CLOSE_TIMEOUT_MS;
    this.#pool = newPool(origin, {
      connections: options.connections ?? DEFAULT_CONNECTIONS,
      pipelining: 1,
      allowH2: false,
      headersTimeout: options.headersTimeoutMs ?? DEFAULT_HEADERS_TIMEOUT_MS,
      bodyTimeout: options.bodyTimeoutMs ?? DEFAULT_BODY_TIMEOUT_MS,
      keepAliveTimeout: options.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS,
      connect: {
        timeout: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
        ...(options.ca === undefined ? {} : { ca: options.ca }),
      },
    });
  }

  /** Sends one request, once. Rejects with CallFailure when not even a status came back. */
  request({ method, path, body, headers, bounds, released, written }: HttpRequest): Promise<HttpAnswer> {
    if (bounds.stop) {
      released?.();
      return Promise.reject(new CallFailure("CONNECT", { stop: bounds.stop }));
    }
    const ended = this.#reporter(method, path);
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(this.#maxResponseBytes, {
        answered: (answer) => {
          ended?.(answer);
          resolve(answer);
        },
        failed: (failure) => {
          ended?.(failure);
          reject(failure);
        },
        written,
        released: (whole) => {
          if (whole) this.#noteSettling();
          released?.();
        },
      });
      bounds.watch((stop) => exchange.stop(stop));
      this.#dispatch(exchange, {
        method,
        path: this.#pathPrefix + path,
        headers,
        ...(body === undefined ? {} : { body }),
        // Also a GET: what it fetches is handed out once, so the library must not repeat it.
        idempotent: false,
      });
    });
  }

  /** To be called with the end of a request that begins now; undefined when nobody wants to know. */
  #reporter(method: "GET" | "POST", path: string): ((ended: HttpAnswer | CallFailure) => void) | undefined {
    const report = this.#onRequestEnd;
    if (report === undefined) return undefined;
    const startedAt = this.#now();
    const { hostname: host, port, protocol } = this.#origin;
    return (ended) =>
      report({
        method,
        host,
        port: port || (protocol === "http:" ? "80" : "443"),
        path: path.split("?", 1)[0] ?? "",
        ...endOfRequest(ended),
        durationMs: this.#now() - startedAt,
      });
  }

  #dispatch(exchange: Exchange, options: Dispatcher.DispatchOptions): void {
    if (this.#deferred >= this.#settling) {
      exchange.dispatchTo(this.#pool, options);
      return;
    }
    this.#deferred++;
    setImmediate(() => {
      this.#deferred--;
      exchange.dispatchTo(this.#pool, options);
    });
  }

  /**
   * undici takes a connection into use again one turn of the event loop after
   * its answer, and opens another one for a request that comes before. The
   * immediate is queued behind undici's own.
   */
  #noteSettling(): void {
    this.#settling++;
    queueMicrotask(() => setImmediate(() => this.#settling--));
  }

  /** Waits a while for requests under way, then breaks them off. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { promise: timedOut, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#closeTimeoutMs);
    await Promise.race([this.#pool.close(), timedOut]);
    clearTimeout(timer);
    await this.#pool.destroy();
  }
}
