import type { Event } from "../../gen/infobip/events/v1/event_pb.js";
import type { Reconnect } from "./client-options.ts";
import type { EventGap } from "./watch-options.ts";

/** Options of `subscribe`. */
export interface SubscribeOptions {
  /** Name of a subscription that exists, such as `subscriptions/orders`. */
  readonly subscription: string;
  /** Name of this consumer, for people. */
  readonly clientId?: string;
  /** Most events held without an acknowledgement, 1 to 10,000. Default 100. */
  readonly maxOutstanding?: number;
  /** How long the service waits for a sign of life, in milliseconds, 5,000 to 600,000. Default 30,000; pings keep it. */
  readonly leaseMs?: number;
  /** With each event the webhook item as Infobip sent it. */
  readonly includeRawBody?: boolean;
  /** Ends it in order: takes no more, waits for what is held, at most `settleMs`. No error. */
  readonly signal?: AbortSignal;
  /** How long the end waits for acknowledgements of what is held, in milliseconds. Default 5,000. */
  readonly settleMs?: number;
  /** Told of events that retention removed before they were delivered. Must not throw. */
  readonly onGap?: (gap: EventGap) => void;
  /** Told before each wait for another stream. Must not throw. */
  readonly onReconnect?: (reconnect: Reconnect) => void;
}

/** One event for this consumer, until it is settled. */
export interface Delivery {
  readonly event: Event;
  /** 1 and the failed deliveries before. */
  readonly attempt: number;
  /**
   * The event is handled. Resolves with true once that is stored, so it never comes again; with false when it cannot
   * be known or the event is not held any more: it may come again, here or elsewhere. Never rejects. The first of
   * ack and nack counts.
   */
  ack(): Promise<boolean>;
  /** The event could not be handled: it comes again after `delayMs`, or the subscription's backoff. As {@link ack}. */
  nack(options?: { readonly delayMs?: number }): Promise<boolean>;
}

/** Options of `consume`. */
export interface ConsumeOptions extends SubscribeOptions {
  /** Handles one event. Returning, whatever, acknowledges it; throwing, or rejecting, refuses it, so that it comes again. */
  readonly handler: (event: Event, delivery: Delivery) => unknown;
  /** Most handlers at one time, 1 to `maxOutstanding`. Default 1. */
  readonly concurrency?: number;
  /** Told what a handler threw. Must not throw. */
  readonly onHandlerError?: (error: unknown, event: Event) => void;
}
