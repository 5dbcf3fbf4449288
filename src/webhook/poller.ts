import { ensureServiceError } from "../errors.ts";
import type { FetchOptions } from "../infobip/report-source.ts";
import type { Timer } from "../timer.ts";
import { pullBackoffMs } from "./pull-backoff.ts";
import type { PullEvents, PullSource } from "./pull-events.ts";
import { orAborted, waitFor } from "./pull-wait.ts";
import type { Receipt } from "./receiver.ts";
import { WebhookRefusal } from "./webhook-answer.ts";

/** Upper bound of the wait after the log has first refused a page, in milliseconds. */
const FIRST_STORE_BACKOFF_MS = 500;
/** Longest wait between two tries to store a page, in milliseconds. */
const MAX_STORE_BACKOFF_MS = 10_000;
/** The same while the poller stops: its time is short. */
const MAX_STOPPING_BACKOFF_MS = 500;
/** Longest time between two looks at a log that takes nothing, in milliseconds. */
const LOG_CHECK_INTERVAL_MS = 5_000;
/** Statuses of refusals that a repeat would get again. */
const UNREADABLE_STATUSES: ReadonlySet<number> = new Set([400, 413]);

/** Puts the items of a body into the log; see WebhookReceiver.receive. */
export type ReceiveBody = (route: PullSource["route"], body: Uint8Array) => Promise<Receipt>;

/** What a {@link Poller} works with. */
export interface PollerOptions {
  readonly source: PullSource;
  readonly fetch: (options: FetchOptions) => Promise<Uint8Array>;
  readonly receive: ReceiveBody;
  /** Milliseconds. */
  readonly intervalMs: number;
  /** Most items of one page. */
  readonly limit: number;
  /** Whether the log takes events, as far as is known. While it does not, nothing is asked for: Infobip keeps it better. */
  readonly isLogHealthy: () => boolean;
  readonly timer: Timer;
  readonly random: () => number;
  readonly events: PullEvents;
}

/**
 * Fetches one source page by page. What Infobip has handed out it never hands
 * out again, so a page is in the log before the next one is asked for: until
 * then it is kept in memory, one page at most, and tried again and again.
 */
export class Poller {
  readonly #options: PollerOptions;
  /** Aborted: no further page is asked for. */
  readonly #stopping = new AbortController();
  /** Aborted: what is under way is given up. */
  readonly #ended = new AbortController();
  #running: Promise<void> | undefined;
  #fetchFailures = 0;
  #isHolding = false;

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  /** A page waits in memory because the log does not take it. */
  get isHolding(): boolean {
    return this.#isHolding;
  }

  /** Begins at once. A second call changes nothing. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Asks for no further page, and lets the one under way come in and be stored until the signal aborts. Never rejects. */
  async stop(graceOver: AbortSignal): Promise<void> {
    this.#stopping.abort();
    const end = () => this.#ended.abort(graceOver.reason);
    if (graceOver.aborted) end();
    graceOver.addEventListener("abort", end);
    await this.#running;
    graceOver.removeEventListener("abort", end);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) await waitFor(this.#options.timer, await this.#poll(), signal);
  }

  /** Fetches and stores one page; gives the wait before the next one. */
  async #poll(): Promise<number> {
    const { isLogHealthy, intervalMs, limit } = this.#options;
    if (!isLogHealthy()) return Math.min(intervalMs, LOG_CHECK_INTERVAL_MS);
    let body: Uint8Array;
    try {
      body = await this.#options.fetch({ signal: this.#ended.signal, limit });
    } catch (error) {
      return this.#fetchFailed(error);
    }
    this.#fetchFailures = 0;
    const receipt = await this.#store(body);
    if (receipt === undefined) return intervalMs;
    // A full page of nothing but repeats is no reason to hurry: it could come for ever.
    const isMoreLikely = receipt.items >= limit && receipt.appended > 0;
    return isMoreLikely ? 0 : intervalMs;
  }

  #fetchFailed(thrown: unknown): number {
    const { source, intervalMs, random, events } = this.#options;
    const error = ensureServiceError(thrown);
    if (this.#ended.signal.aborted) {
      events.lost(source, { reason: "STOPPED_FETCHING", bytes: 0, error });
      return 0;
    }
    const failures = ++this.#fetchFailures;
    const { retryDelayMs } = error;
    const delayMs = pullBackoffMs({ failures, firstMs: intervalMs, retryDelayMs, random });
    events.fetchFailed(source, { error, failures, delayMs });
    return delayMs;
  }

  /** Undefined when the page is lost. */
  async #store(body: Uint8Array): Promise<Receipt | undefined> {
    const { source, events, receive } = this.#options;
    const bytes = body.length;
    for (let storeAttempts = 1; ; storeAttempts++) {
      try {
        const receipt = await orAborted(() => receive(source.route, body), this.#ended.signal);
        this.#isHolding = false;
        events.stored(source, { receipt, storeAttempts });
        return receipt;
      } catch (error) {
        const reason = this.#lossReason(error);
        this.#isHolding = reason === undefined;
        if (reason !== undefined) {
          events.lost(source, { reason, bytes, error });
          return undefined;
        }
        await this.#hold(bytes, storeAttempts, error);
      }
    }
  }

  /** Why a page that was not stored is given up; undefined when it is not. */
  #lossReason(error: unknown): "UNREADABLE" | "STOPPED_STORING" | undefined {
    if (error instanceof WebhookRefusal && UNREADABLE_STATUSES.has(error.answer.status)) return "UNREADABLE";
    return this.#ended.signal.aborted ? "STOPPED_STORING" : undefined;
  }

  async #hold(bytes: number, storeAttempts: number, error: unknown): Promise<void> {
    const { source, timer, random, events } = this.#options;
    const isStopping = this.#stopping.signal.aborted;
    const delayMs = pullBackoffMs({
      failures: storeAttempts,
      firstMs: FIRST_STORE_BACKOFF_MS,
      maxMs: isStopping ? MAX_STOPPING_BACKOFF_MS : MAX_STORE_BACKOFF_MS,
      random,
    });
    events.held(source, { bytes, storeAttempts, delayMs, error });
    // The beginning of the stop is a reason to try once more at once.
    if (isStopping) await waitFor(timer, delayMs, this.#ended.signal);
    else await waitFor(timer, delayMs, this.#stopping.signal, this.#ended.signal);
  }
}
