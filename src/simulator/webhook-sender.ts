import { Agent } from "undici";
import { isLoopbackHost } from "../config/listen-address.ts";
import type { SimulatorClock } from "./clock.ts";
import { MAX_CONCURRENT_POSTS_PER_URL, MAX_WEBHOOK_ANSWER_BYTES, MAX_WEBHOOK_RETRIES } from "./limits.ts";
import type { Outstanding } from "./outstanding.ts";
import type { TimerSet } from "./timer-set.ts";

/** One webhook request, as it is posted and posted again. */
export interface WebhookRequest {
  readonly url: string;
  readonly contentType: string;
  readonly body: string;
  /** Items in the body. */
  readonly items: number;
}

/** What webhook requests have come to. */
export interface WebhookCounts {
  /** Requests made, repeats included. */
  posts: number;
  /** Requests that were not answered with 2xx. */
  failedPosts: number;
  /** Requests that were repeats. */
  retries: number;
  /** Items that were taken with 2xx. */
  deliveredItems: number;
  /** Items given up after the last retry, or because their URL is none. */
  lostItems: number;
  /** Items that were not posted because their URL leads to another machine. */
  remoteItems: number;
}

/** Headers added to each webhook request: fixed ones, or made from the body (for signatures). */
export type WebhookHeaders =
  | Readonly<Record<string, string>>
  | ((body: string) => Readonly<Record<string, string>>);

/** Settings of a {@link WebhookSender}. */
export interface WebhookSenderOptions {
  readonly clock: SimulatorClock;
  /** For retries; they end when the set is cancelled. */
  readonly timers: TimerSet;
  readonly outstanding: Outstanding;
  /** Milliseconds until an unanswered request counts as failed. */
  readonly timeoutMs: number;
  /** Factor on every delay of the retry ladder. */
  readonly timeScale: number;
  readonly headers: WebhookHeaders;
  /** Whether URLs of other machines are called. */
  readonly allowRemote: boolean;
}

interface Lane {
  active: number;
  readonly waiting: (() => void)[];
}

const MINUTE_MS = 60_000;

/** Delay before retry `n`, counted from 0, in unscaled milliseconds: 1 min + 1 min * n * n. */
export function retryDelayMs(n: number): number {
  return MINUTE_MS + MINUTE_MS * n * n;
}

/** Posts webhook requests; repeats each as a whole, on Infobip's ladder, until it is taken. */
export class WebhookSender implements AsyncDisposable {
  readonly #options: WebhookSenderOptions;
  readonly #agent = new Agent({ connections: MAX_CONCURRENT_POSTS_PER_URL, keepAliveTimeout: 4_000 });
  readonly #lanes = new Map<string, Lane>();
  readonly #underWay = new Set<Promise<boolean>>();
  #generation = 0;
  #counts = emptyCounts();

  constructor(options: WebhookSenderOptions) {
    this.#options = options;
  }

  get counts(): Readonly<WebhookCounts> {
    return { ...this.#counts };
  }

  /**
   * Takes over a request and its items, which count as outstanding already.
   * Resolves after the first attempt, whatever came of it.
   */
  async post(request: WebhookRequest): Promise<void> {
    if (!URL.canParse(request.url) || !/^https?:/u.test(request.url)) {
      this.#settle(request, "lostItems");
      return;
    }
    // A test double must not call the addresses that test data happens to name.
    if (
      !this.#options.allowRemote &&
      !isLoopbackHost(new URL(request.url).hostname.replace(/^\[|\]$/g, ""))
    ) {
      this.#settle(request, "remoteItems");
      return;
    }
    await this.#attempt(request, 0, this.#generation);
  }

  /** Forgets all retries and counts; requests under way end unnoticed. */
  reset(): void {
    this.#generation++;
    this.#counts = emptyCounts();
  }

  async #attempt(request: WebhookRequest, retries: number, generation: number): Promise<void> {
    const taken = await this.#inLane(request, generation);
    if (generation !== this.#generation) return;
    this.#counts.posts++;
    if (retries > 0) this.#counts.retries++;
    if (!taken) this.#counts.failedPosts++;
    if (taken) return this.#settle(request, "deliveredItems");
    if (retries >= MAX_WEBHOOK_RETRIES) return this.#settle(request, "lostItems");
    this.#options.timers.after(retryDelayMs(retries) * this.#options.timeScale, () => {
      void this.#attempt(request, retries + 1, generation);
    });
  }

  #settle(request: WebhookRequest, outcome: "deliveredItems" | "lostItems" | "remoteItems"): void {
    this.#counts[outcome] += request.items;
    for (let item = 0; item < request.items; item++) this.#options.outstanding.end();
  }

  /** Holds a request back while its URL has as many under way as are allowed. */
  async #inLane(request: WebhookRequest, generation: number): Promise<boolean> {
    const lane = this.#lanes.get(request.url) ?? { active: 0, waiting: [] };
    this.#lanes.set(request.url, lane);
    if (lane.active >= MAX_CONCURRENT_POSTS_PER_URL) {
      await new Promise<void>((resolve) => lane.waiting.push(resolve));
    } else {
      lane.active++;
    }
    const exchange = generation === this.#generation ? this.#exchange(request) : Promise.resolve(false);
    this.#underWay.add(exchange);
    const taken = await exchange;
    this.#underWay.delete(exchange);
    const next = lane.waiting.shift();
    if (next) next();
    else if (--lane.active === 0) this.#lanes.delete(request.url);
    return taken;
  }

  async #exchange({ url, body, contentType }: WebhookRequest): Promise<boolean> {
    const { clock, timeoutMs, headers } = this.#options;
    const timeout = new AbortController();
    const cancelTimeout = clock.setTimer(timeoutMs, () => timeout.abort());
    try {
      const { origin, pathname, search } = new URL(url);
      const added = typeof headers === "function" ? headers(body) : headers;
      const response = await this.#agent.request({
        origin,
        path: pathname + search,
        method: "POST",
        headers: { "content-type": contentType, "user-agent": "infobip-simulator", ...added },
        body,
        signal: timeout.signal,
      });
      await response.body.dump({ limit: MAX_WEBHOOK_ANSWER_BYTES, signal: timeout.signal });
      return response.statusCode >= 200 && response.statusCode < 300;
    } catch {
      return false;
    } finally {
      cancelTimeout();
    }
  }

  /** Breaks off what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.reset();
    await this.#agent.destroy();
    await Promise.all(this.#underWay);
  }
}

function emptyCounts(): WebhookCounts {
  return { posts: 0, failedPosts: 0, retries: 0, deliveredItems: 0, lostItems: 0, remoteItems: 0 };
}
