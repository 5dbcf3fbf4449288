import type { CallbackItem } from "./callback-bodies.ts";
import type { CancelTimer } from "./clock.ts";
import { MAX_WEBHOOK_BATCH } from "./limits.ts";
import type { Outstanding } from "./outstanding.ts";
import type { TimerSet } from "./timer-set.ts";
import type { WebhookSender } from "./webhook-sender.ts";
import { toXmlReport } from "./xml-report.ts";

/** Where an item goes. Items of the same kind, URL and format share requests. */
export interface ItemRoute {
  readonly kind: "delivery" | "seen" | "inbound" | "click";
  readonly url: string;
  readonly contentType: "application/json" | "application/xml";
}

interface Batch {
  readonly route: ItemRoute;
  readonly items: CallbackItem[];
  readonly cancel: CancelTimer;
}

/** Collects items into webhook requests of up to 100. Clicks go one by one. */
export class WebhookBatcher {
  readonly #sender: WebhookSender;
  readonly #timers: TimerSet;
  readonly #outstanding: Outstanding;
  readonly #windowMs: number;
  readonly #batches = new Map<string, Batch>();

  constructor(sender: WebhookSender, timers: TimerSet, outstanding: Outstanding, windowMs: number) {
    this.#sender = sender;
    this.#timers = timers;
    this.#outstanding = outstanding;
    this.#windowMs = windowMs;
  }

  /** Adds an item to the batch of its route, which leaves when it is full or its window ends. */
  add(route: ItemRoute, item: CallbackItem): void {
    if (route.kind === "click") {
      void this.sendNow(route, [item]);
      return;
    }
    this.#outstanding.begin();
    const key = `${route.kind} ${route.contentType} ${route.url}`;
    const batch = this.#batches.get(key) ?? this.#open(key, route);
    batch.items.push(item);
    if (batch.items.length >= MAX_WEBHOOK_BATCH) this.#flush(key, batch);
  }

  /** Posts items in a request of their own, and resolves after its first attempt. */
  async sendNow(route: ItemRoute, items: readonly CallbackItem[]): Promise<void> {
    for (const _ of items) this.#outstanding.begin();
    await this.#post(route, items);
  }

  /** Drops what has not left yet. */
  reset(): void {
    for (const batch of this.#batches.values()) batch.cancel();
    this.#batches.clear();
  }

  #open(key: string, route: ItemRoute): Batch {
    const flush = () => this.#flush(key, batch);
    const batch: Batch = { route, items: [], cancel: this.#timers.after(this.#windowMs, flush) };
    this.#batches.set(key, batch);
    return batch;
  }

  #flush(key: string, batch: Batch): void {
    batch.cancel();
    this.#batches.delete(key);
    void this.#post(batch.route, batch.items);
  }

  #post(route: ItemRoute, items: readonly CallbackItem[]): Promise<void> {
    return this.#sender.post({
      url: route.url,
      contentType: route.contentType,
      body: bodyOf(route, items),
      items: items.length,
    });
  }
}

function bodyOf(route: ItemRoute, items: readonly CallbackItem[]): string {
  if (route.kind === "click") return JSON.stringify(items[0]);
  return route.contentType === "application/xml" ? toXmlReport(items) : JSON.stringify({ results: items });
}
