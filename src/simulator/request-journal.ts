import { ENDPOINTS, type EndpointName, type FaultKind } from "./fault.ts";
import { MAX_RECORDED_BYTES, MAX_RECORDED_REQUESTS, MAX_WAITERS } from "./limits.ts";

/** A request as it arrived. */
export interface RecordedRequest {
  readonly endpoint: EndpointName;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Headers in lower case, without Authorization. */
  readonly headers: Readonly<Record<string, string>>;
  /** Text of the body; undefined when a fault kept it from being read. */
  readonly body: string | undefined;
  /** The fault that befell it, if one did. */
  readonly fault: FaultKind | undefined;
}

interface Waiter {
  readonly endpoint: EndpointName;
  readonly count: number;
  readonly wake: () => void;
  readonly fail: (error: Error) => void;
}

/** Counts the requests of each endpoint and keeps the latest ones. */
export class RequestJournal {
  #counts = noCounts();
  #recorded: RecordedRequest[] = [];
  #bytes = 0;
  #waiters: Waiter[] = [];

  get counts(): Readonly<Record<EndpointName, number>> {
    return { ...this.#counts };
  }

  /** The latest requests, oldest first. */
  recorded(): RecordedRequest[] {
    return [...this.#recorded];
  }

  /** Counts a request whose head has arrived. */
  arrived(endpoint: EndpointName): void {
    this.#counts[endpoint]++;
    const due = this.#waiters.filter((waiter) => this.#counts[waiter.endpoint] >= waiter.count);
    this.#waiters = this.#waiters.filter((waiter) => !due.includes(waiter));
    for (const waiter of due) waiter.wake();
  }

  record(request: RecordedRequest): void {
    this.#recorded.push(request);
    this.#bytes += request.body?.length ?? 0;
    while (this.#recorded.length > MAX_RECORDED_REQUESTS || this.#bytes > MAX_RECORDED_BYTES) {
      this.#bytes -= this.#recorded.shift()?.body?.length ?? 0;
    }
  }

  /**
   * Resolves when an endpoint has got that many requests since the start or the last reset.
   * Rejects when the simulator is closed first.
   * @throws RangeError when MAX_WAITERS wait already.
   */
  whenArrived(endpoint: EndpointName, count: number): Promise<void> {
    if (this.#counts[endpoint] >= count) return Promise.resolve();
    if (this.#waiters.length >= MAX_WAITERS) throw new RangeError(`at most ${MAX_WAITERS} callers can wait`);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.push({ endpoint, count, wake: resolve, fail: reject });
    return promise;
  }

  /** Tells everyone who waits that no more requests will come. */
  close(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      waiter.fail(new Error(`the simulator was closed before ${waiter.count} requests had come`));
    }
  }

  clear(): void {
    this.#counts = noCounts();
    this.#recorded = [];
    this.#bytes = 0;
  }
}

function noCounts(): Record<EndpointName, number> {
  return Object.fromEntries(ENDPOINTS.map((name) => [name, 0])) as Record<EndpointName, number>;
}
