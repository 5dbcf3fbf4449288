import type { AcceptedMessage, Attempt } from "./accepted-message.ts";
import type { Behaviour } from "./behaviours.ts";
import {
  type CallbackItem,
  clickBody,
  deliveryItem,
  INBOUND_CHANNELS,
  replyItem,
  SEEN_CHANNELS,
  seenItem,
  TRACKED_CHANNELS,
  TYPING_CHANNELS,
  typingItem,
} from "./callback-bodies.ts";
import type { SimulatorClock } from "./clock.ts";
import type { Outstanding } from "./outstanding.ts";
import type { PullStore } from "./pull-store.ts";
import { type TimelineEntry, timelineOf } from "./timeline.ts";
import type { TimerSet } from "./timer-set.ts";
import type { ItemRoute, WebhookBatcher } from "./webhook-batcher.ts";

/** What {@link Callbacks} works with. */
export interface CallbackPorts {
  readonly clock: SimulatorClock;
  readonly timers: TimerSet;
  readonly outstanding: Outstanding;
  readonly batcher: WebhookBatcher;
  readonly reports: PullStore;
  readonly inbound: PullStore;
  readonly inboundUrl: string | undefined;
  readonly timeScale: number;
  readonly nextId: () => string;
}

interface Routed {
  readonly route: ItemRoute | undefined;
  readonly item: CallbackItem;
}

const JSON_TYPE = "application/json";

/** Makes happen to accepted messages what their behaviours say. */
export class Callbacks {
  readonly #ports: CallbackPorts;

  constructor(ports: CallbackPorts) {
    this.#ports = ports;
  }

  /** Plans everything that happens to a message. Resolves when the request may be answered. */
  async plan(message: AcceptedMessage, behaviourOf: (attempt: Attempt) => Behaviour): Promise<void> {
    const isDue = message.sendAtMs <= this.#ports.clock.now();
    const hurries = isDue && behaviourOf(message.attempts[0]).beforeResponse === true;
    const early: Promise<void>[] = [];
    for (const entry of timelineOf(message, behaviourOf)) {
      if (hurries && entry.step.atMs <= 0) early.push(this.#happenNow(message, entry));
      else this.#schedule(message, entry);
    }
    await Promise.all(early);
  }

  /** Hands an inbound item to the inbound webhook, or keeps it for the pull endpoint. */
  receive(item: CallbackItem): void {
    this.#deliver({ route: this.#inboundRoute(), item });
  }

  #schedule(message: AcceptedMessage, entry: TimelineEntry): void {
    const { clock, timers, outstanding, timeScale } = this.#ports;
    const waitMs = Math.max(0, message.sendAtMs - clock.now()) * timeScale;
    outstanding.begin();
    timers.after(waitMs + entry.step.atMs, () => {
      const routed = this.#toItem(message, entry);
      if (routed) this.#deliver(routed);
      outstanding.end();
    });
  }

  async #happenNow(message: AcceptedMessage, entry: TimelineEntry): Promise<void> {
    const routed = this.#toItem(message, entry);
    if (routed?.route) await this.#ports.batcher.sendNow(routed.route, [routed.item]);
    else if (routed) this.#deliver(routed);
  }

  #deliver({ route, item }: Routed): void {
    const { batcher, reports, inbound } = this.#ports;
    if (route) batcher.add(route, item);
    else if (item.event === "DELIVERY") reports.add(item);
    else if (item.event === "MO") inbound.add(item);
  }

  /** Undefined when the channel has no such callback. */
  #toItem(message: AcceptedMessage, { step, attempt }: TimelineEntry): Routed | undefined {
    const { nextId } = this.#ports;
    const { targets } = message;
    // The planned moment: a scaled wait for sendAt must not end before sendAt in the report.
    const now = message.sendAtMs + step.atMs;
    switch (step.kind) {
      case "report": {
        const route = routeTo("delivery", targets.delivery, targets.contentType);
        const doneAt = message.sendAtMs + (step.doneAtMs ?? step.atMs);
        return { route, item: deliveryItem(message, attempt, step.status, doneAt) };
      }
      case "seen":
        if (!SEEN_CHANNELS.has(attempt.channel)) return undefined;
        return { route: routeTo("seen", targets.seen, JSON_TYPE), item: seenItem(message, attempt, now) };
      case "click":
        if (!TRACKED_CHANNELS.has(attempt.channel)) return undefined;
        return { route: routeTo("click", targets.click, JSON_TYPE), item: clickBody(message, attempt, now) };
      case "reply":
        if (!INBOUND_CHANNELS.has(attempt.channel)) return undefined;
        return { route: this.#inboundRoute(), item: replyItem(message, attempt, now, nextId) };
      case "typing":
        if (!TYPING_CHANNELS.TYPING_STARTED.has(attempt.channel)) return undefined;
        return { route: this.#inboundRoute(), item: typingItem(message, attempt, now, nextId) };
    }
  }

  #inboundRoute(): ItemRoute | undefined {
    return routeTo("inbound", this.#ports.inboundUrl, JSON_TYPE);
  }
}

function routeTo(
  kind: ItemRoute["kind"],
  url: string | undefined,
  contentType: ItemRoute["contentType"],
): ItemRoute | undefined {
  return url === undefined ? undefined : { kind, url, contentType };
}
