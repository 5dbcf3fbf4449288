import { EventsService, WatchEventsRequestSchema } from "../gen/infobip/events/v1/events_service_pb.js";
import { SubscribeRequestSchema } from "../gen/infobip/events/v1/subscribe_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { SendMessagesRequestSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { StreamMessagesRequestSchema } from "../gen/infobip/messages/v1/stream_messages_pb.js";
import { SubmitMessagesRequestSchema } from "../gen/infobip/messages/v1/submission_pb.js";
import type { CallerAccess } from "./callers/caller-access.ts";
import { showOwnSubmissions } from "./callers/own-submissions.ts";
import { showVisibleEvents } from "./callers/visible-events.ts";
import type { Config } from "./config/config.ts";
import { createHistoryMethods } from "./events/history-methods.ts";
import { OpenWatches } from "./events/open-watches.ts";
import { ReplayTurns } from "./events/replay-turns.ts";
import { createWatchEvents } from "./events/watch-events.ts";
import type { InfobipClient } from "./infobip/infobip-client.ts";
import { createMessagesService } from "./messages/messages-service.ts";
import type { RequestDefaults } from "./messages/request-defaults.ts";
import { MAX_DESTINATIONS } from "./messages/request-rules.ts";
import { createStreamMessages } from "./messages/stream-messages.ts";
import type { ServiceImplementation } from "./rpc/service-implementation.ts";
import type { Guards } from "./server/guards.ts";
import { guardRole } from "./server/role-guard.ts";
import { bindService, type ServiceBinding } from "./server/service-binding.ts";
import type { ServiceEvents } from "./service-events.ts";
import type { Sending } from "./service-sending.ts";
import type { Storage } from "./service-storage.ts";
import type { Work } from "./service-work.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import { prepareValidation } from "./validation.ts";
import { webhookUrls } from "./webhook/webhook-urls.ts";

/** Requests of the methods that are called all the time. */
const HOT_REQUESTS = [
  SendMessagesRequestSchema,
  SubmitMessagesRequestSchema,
  StreamMessagesRequestSchema,
  SubscribeRequestSchema,
  WatchEventsRequestSchema,
];

/** What the methods of all services work with. */
export interface ServiceMethodsOptions extends Pick<Storage, "log"> {
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
  readonly sending: Sending;
  readonly work: Work;
  /** Who may call what; undefined: everyone may call everything. */
  readonly callers: CallerAccess | undefined;
  readonly defaults: RequestDefaults;
}

/** Makes the services, guarded and ready for the listeners. */
export function bindServices(options: ServiceMethodsOptions): ServiceBinding[] {
  const guards = { ...options.guards, ...(options.callers && { access: options.callers }) };
  const { roles } = options.config;
  const { streams } = options.metrics;
  const messages = {
    service: MessagesService,
    role: "send",
    implement: () => streams.counted(MessagesService, messagesService(options)),
  } as const;
  const events = {
    service: EventsService,
    role: "events",
    implement: () => streams.counted(EventsService, eventsService(options)),
  } as const;
  const access = options.callers && { access: options.callers };
  return [
    { ...bindService(MessagesService, guardRole(messages, roles, guards)), ...access },
    { ...bindService(EventsService, guardRole(events, roles, guards)), ...access },
  ];
}

function messagesService(options: ServiceMethodsOptions): ServiceImplementation<typeof MessagesService> {
  const { client, defaults, sending, work, callers } = options;
  return createMessagesService(
    { client, defaults, send: sending.send, queue: sending.queue, newMessageId: sending.newMessageId },
    {
      streamMessages: streamMessages(options),
      ...(callers === undefined ? work.submissions : showOwnSubmissions(work.submissions)),
    },
  );
}

function streamMessages({
  config,
  sending,
  metrics,
  draining,
  drainStopTime,
  guards,
  callers,
  now,
}: ServiceMethodsOptions): ServiceImplementation<typeof MessagesService>["streamMessages"] {
  return createStreamMessages({
    send: sending.send,
    maxFrameBytes: config.limits.maxMessageBytes,
    maxDestinations: MAX_DESTINATIONS,
    draining,
    drainStopTime,
    errors: guards,
    ...(callers && { authorise: callers.authoriseSend }),
    onSend: ({ reason }) => metrics.calls.streamSendEnded(reason ?? "OK"),
    now,
  });
}

function eventsService(options: ServiceMethodsOptions): ServiceImplementation<typeof EventsService> {
  const { log, work, draining, drainStopTime, now, metrics, callers } = options;
  const turns = new ReplayTurns();
  const watches = new OpenWatches(() => log.bounds().head);
  metrics.observeWatches(watches);
  const methods = {
    ...createHistoryMethods({ log, turns }),
    ...work.subscriptions,
    watchEvents: createWatchEvents({ log, draining, drainStopTime, now, turns, watches }),
  };
  return callers === undefined ? methods : showVisibleEvents(methods);
}

/** What the service fills into requests, by its configuration. */
export function requestDefaults({ defaults, webhook }: Config): RequestDefaults {
  const senders = Object.entries(defaults.sender).map(
    ([name, sender]) => [Channel[name.toUpperCase() as keyof typeof Channel] as Channel, sender] as const,
  );
  return { senders: new Map(senders), webhookUrls: webhookUrls(webhook) };
}

/** Compiles the rules of the hot methods, so that the first caller does not wait for it. */
export function warmUp(): void {
  for (const schema of HOT_REQUESTS) prepareValidation(schema);
}
