import { randomUUIDv7 } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { EventsService, WatchEventsRequestSchema } from "../gen/infobip/events/v1/events_service_pb.js";
import { SubscribeRequestSchema } from "../gen/infobip/events/v1/subscribe_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import {
  MessagesService,
  SendMessagesRequestSchema,
} from "../gen/infobip/messages/v1/messages_service_pb.js";
import type { Config } from "./config/config.ts";
import { createHistoryMethods } from "./events/history-methods.ts";
import { ReplayTurns } from "./events/replay-turns.ts";
import { createSubscriptionMethods } from "./events/subscription-methods.ts";
import { createWatchEvents } from "./events/watch-events.ts";
import type { InfobipClient } from "./infobip/infobip-client.ts";
import type { NewMessageId } from "./messages/destination-slots.ts";
import { createMessagesService } from "./messages/messages-service.ts";
import type { RequestDefaults } from "./messages/request-defaults.ts";
import { openSendResultRecorder } from "./messages/send-result-recorder.ts";
import type { ServiceImplementation } from "./rpc/service-implementation.ts";
import { type Guards, guard } from "./server/guards.ts";
import { bindService, type ServiceBinding } from "./server/service-binding.ts";
import type { ServiceEvents } from "./service-events.ts";
import type { Storage } from "./service-storage.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import { validate } from "./validation.ts";
import { webhookUrls } from "./webhook/webhook-urls.ts";

/** What the methods of all services work with. */
export interface ServiceMethodsOptions extends Storage {
  readonly config: Config;
  readonly client: InfobipClient;
  readonly metrics: Metrics;
  readonly events: ServiceEvents;
  readonly guards: Guards;
  /** Aborts when the service drains. */
  readonly draining: AbortSignal;
  /** When a draining service closes its streams at the latest, in Unix milliseconds. */
  readonly drainStopTime: () => number;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly newMessageId: NewMessageId | undefined;
  /** Closes what is opened, in reverse order. */
  readonly owned: AsyncDisposableStack;
}

/** Makes the services, guarded and ready for the listeners. */
export function bindServices(options: ServiceMethodsOptions): ServiceBinding[] {
  const { guards } = options;
  return [
    bindService(MessagesService, guard(MessagesService, messagesService(options), guards)),
    bindService(EventsService, guard(EventsService, eventsService(options), guards)),
  ];
}

function messagesService(options: ServiceMethodsOptions): ServiceImplementation<typeof MessagesService> {
  const { config, client, log, now, events } = options;
  const recorder = options.owned.use(
    openSendResultRecorder({
      log,
      mode: config.events.sendResults,
      now,
      onFailure: events.sendResultsNotRecorded,
    }),
  );
  return createMessagesService({
    client,
    defaults: requestDefaults(config),
    newMessageId: options.newMessageId ?? randomUUIDv7,
    recorder,
  });
}

function eventsService(options: ServiceMethodsOptions): ServiceImplementation<typeof EventsService> {
  const { log, subscriptions, draining, drainStopTime, now, metrics } = options;
  const turns = new ReplayTurns();
  const streams = { log, draining, drainStopTime, now };
  return {
    ...createHistoryMethods({ log, turns }),
    ...createSubscriptionMethods({ ...streams, engine: subscriptions }),
    watchEvents: metrics.countStreams(createWatchEvents({ ...streams, turns })),
  };
}

function requestDefaults({ defaults, webhook }: Config): RequestDefaults {
  const senders = Object.entries(defaults.sender).map(
    ([name, sender]) => [Channel[name.toUpperCase() as keyof typeof Channel] as Channel, sender] as const,
  );
  return { senders: new Map(senders), webhookUrls: webhookUrls(webhook) };
}

/** Compiles the rules of the hot methods, so that the first caller does not wait for it. */
export function warmUp(): void {
  validate(SendMessagesRequestSchema, create(SendMessagesRequestSchema));
  validate(WatchEventsRequestSchema, create(WatchEventsRequestSchema));
  validate(SubscribeRequestSchema, create(SubscribeRequestSchema));
}
