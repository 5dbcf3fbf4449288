import type { Client } from "@connectrpc/connect";
import type { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import { ConsumerSession } from "./consumer-session.ts";
import { linkedAbort } from "./linked-abort.ts";
import type { ClientPorts } from "./ports.ts";
import { resume, type StreamEnd } from "./resume.ts";
import type { Delivery, SubscribeOptions } from "./subscribe-options.ts";

/** What subscriptions work with. */
export interface SubscribeParts {
  readonly events: Client<typeof EventsService>;
  readonly ports: ClientPorts;
  /** Aborts when the client begins to close. */
  readonly closing: AbortSignal;
  /** The sessions that are open; whoever closes the client waits for their end. */
  readonly sessions: Set<ConsumerSession>;
}

/** The events of a subscription over as many sessions as it takes. */
export async function* subscribe(
  parts: SubscribeParts,
  options: SubscribeOptions,
): AsyncGenerator<Delivery, void> {
  const stop = linkedAbort(parts.closing, options.signal);
  const { ports } = parts;
  try {
    yield* resume({ ports, stop: stop.signal, onReconnect: options.onReconnect }, (end) =>
      oneSession(parts, options, stop.signal, end),
    );
  } finally {
    stop.unlink();
  }
}

async function* oneSession(
  { events, ports, sessions }: SubscribeParts,
  options: SubscribeOptions,
  stop: AbortSignal,
  end: (told: Partial<StreamEnd>) => void,
): AsyncGenerator<Delivery, void> {
  const session = new ConsumerSession({ events, ports, options, end });
  // A session ends in order also while its consumer is busy with what it was handed.
  const close = (): void => void session.close();
  stop.addEventListener("abort", close);
  sessions.add(session);
  let isLeft = true;
  try {
    yield* session.deliveries();
    isLeft = false;
  } finally {
    await session.close(!isLeft);
    stop.removeEventListener("abort", close);
    sessions.delete(session);
  }
}
