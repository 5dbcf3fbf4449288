import { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import { MessagesService } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import type { WebhookOutcome } from "../server/webhook-listener.ts";
import type { PullEvents } from "../webhook/pull-events.ts";
import { CallMetrics } from "./call-metrics.ts";
import { CallerMetrics } from "./caller-metrics.ts";
import { ConnectionMetrics, type ObservedListeners } from "./connection-metrics.ts";
import { ExportMetrics } from "./export-metrics.ts";
import { FleetMetrics, type ObservedFleet } from "./fleet-metrics.ts";
import { HttpClientMetrics } from "./http-client-metrics.ts";
import { LogMetrics, type ObservedLog } from "./log-metrics.ts";
import { MemoryMetrics, type ObservedMemory } from "./memory-metrics.ts";
import { MetricsReaders, type MetricsSource } from "./metrics-readers.ts";
import type { Observed } from "./observed.ts";
import type { OtlpMetricsOptions } from "./otlp-metrics.ts";
import { type ObservedOutbox, type ObservedSubmissions, OutboxMetrics } from "./outbox-metrics.ts";
import { type BuildInfo, ProcessMetrics, type ProcessSource } from "./process-metrics.ts";
import { PullMetrics } from "./pull-metrics.ts";
import { RpcMetrics } from "./rpc-metrics.ts";
import { type ObservedSendQueue, SendingMetrics } from "./sending-metrics.ts";
import { StreamMetrics } from "./stream-metrics.ts";
import { type ObservedSubscriptions, SubscriptionMetrics } from "./subscription-metrics.ts";
import { type ObservedTls, TlsMetrics } from "./tls-metrics.ts";
import { type ObservedWatches, WatchMetrics } from "./watch-metrics.ts";
import { WebhookMetrics } from "./webhook-metrics.ts";

/** The service's metrics: one function for each thing that happens, and readers of all of them. */
export interface Metrics extends AsyncDisposable {
  /** A webhook was answered, or its sender went away. */
  readonly webhookAnswered: (outcome: WebhookOutcome) => void;
  /** To be told what happens to the pollers. */
  readonly pull: PullEvents;
  /** To be told of the requests to Infobip that send. */
  readonly sending: Pick<SendingMetrics, "requestEnded" | "retried" | "paused" | "circuitChanged">;
  /** To be told of every request to Infobip. */
  readonly upstream: Pick<HttpClientMetrics, "ended">;
  /** To be told of calls that send. */
  readonly calls: Pick<CallMetrics, "repeated" | "answerNotStored" | "streamSendEnded">;
  /** To be told of all calls. */
  readonly rpc: Pick<RpcMetrics, "ended" | "refused" | "failedInternally">;
  /** To be told of calls and messages by who they come from. */
  readonly callers: Pick<CallerMetrics, "messagesEnded" | "callEnded">;
  /** The open streams and their frames. */
  readonly streams: Pick<StreamMetrics, "counted" | "open">;
  /** The log is open; its state is read at each scrape. */
  readonly observeLog: (log: ObservedLog) => void;
  /** The subscriptions can be read; they are at each scrape. */
  readonly observeSubscriptions: (subscriptions: ObservedSubscriptions) => void;
  /** WatchEvents streams can be opened; they are looked at at each scrape. */
  readonly observeWatches: (watches: ObservedWatches) => void;
  /** The queue of sends is open; its state is read at each scrape. */
  readonly observeSendQueue: (queue: ObservedSendQueue) => void;
  /** The outbox is open; it and its store are read at each scrape. */
  readonly observeOutbox: (outbox: ObservedOutbox, submissions: ObservedSubmissions) => void;
  /** The fleet is open; its state is read at each scrape. */
  readonly observeFleet: (fleet: ObservedFleet) => void;
  /** Listeners are open, or will be; they are looked at at each scrape. */
  readonly observeListeners: (listeners: ObservedListeners) => void;
  /** The certificates are loaded; they are looked at at each scrape. */
  readonly observeTls: (tls: ObservedTls) => void;
  /** Memory is guarded; the guard is looked at at each scrape. */
  readonly observeMemory: (memory: ObservedMemory) => void;
  /** What was made known so far. */
  readonly observed: Readonly<Observed>;
  /**
   * All metrics in Prometheus' text format. Scrapes at one time share one
   * reading. The first one loads the SDK, which takes some 20 ms.
   */
  readonly page: () => Promise<string>;
  /** Begins to export all metrics, until the metrics are disposed of. To be called once at most. */
  readonly startExport: (options: OtlpMetricsOptions) => Promise<void>;
}

/** Settings of {@link createMetrics}. */
export interface MetricsOptions {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Where readings of the process come from, and what it is. Not set: nothing is told of the process. */
  readonly process?: { readonly source: ProcessSource; readonly build: BuildInfo };
}

/** All of the sources. */
function createSources({ now, process }: MetricsOptions) {
  return {
    rpc: new RpcMetrics([MessagesService, EventsService]),
    streams: new StreamMetrics(),
    callers: new CallerMetrics(),
    upstream: new HttpClientMetrics(),
    sending: new SendingMetrics(),
    calls: new CallMetrics(),
    outbox: new OutboxMetrics(now),
    webhooks: new WebhookMetrics(),
    pull: new PullMetrics(),
    log: new LogMetrics(),
    subscriptions: new SubscriptionMetrics(now),
    watches: new WatchMetrics(),
    fleet: new FleetMetrics(),
    connections: new ConnectionMetrics(),
    tls: new TlsMetrics(now),
    memory: new MemoryMetrics(),
    exports: new ExportMetrics(),
    ...(process && { process: new ProcessMetrics(process.source, process.build) }),
  };
}

/**
 * Makes the metrics. Counting is done here and read by the SDK, so that
 * neither the start nor a call pays for what nobody may ever ask for.
 */
export function createMetrics(options: MetricsOptions): Metrics {
  const sources = createSources(options);
  const readers = new MetricsReaders(Object.values<MetricsSource>(sources), options.now);
  const { rpc, streams, callers, upstream, sending, calls, webhooks, pull } = sources;
  const observed: Observed = {};
  return {
    rpc,
    streams,
    callers,
    upstream,
    sending,
    calls,
    webhookAnswered: (outcome) => webhooks.answered(outcome),
    pull: pull.events,
    ...observers(sources, observed),
    observed,
    page: () => readers.page(),
    startExport: (exporting) => startExport(readers, sources.exports, exporting),
    [Symbol.asyncDispose]: async () => {
      await readers[Symbol.asyncDispose]();
      options.process?.source[Symbol.dispose]();
    },
  };
}

/** What makes things known: to the metrics, and to whoever reads `observed`. */
function observers(sources: ReturnType<typeof createSources>, observed: Observed) {
  return {
    observeLog: (log) => {
      observed.log = log;
      sources.log.observe(log);
    },
    observeSubscriptions: (subscriptions) => {
      observed.subscriptions = subscriptions;
      sources.subscriptions.observe(subscriptions);
    },
    observeWatches: (watches) => {
      observed.watches = watches;
      sources.watches.observe(watches);
    },
    observeSendQueue: (queue) => {
      observed.sendQueue = queue;
      sources.sending.observe(queue);
    },
    observeOutbox: (outbox, submissions) => {
      Object.assign(observed, { outbox, submissions });
      sources.outbox.observe(outbox, submissions);
    },
    observeFleet: (fleet) => {
      observed.fleet = fleet;
      sources.fleet.observe(fleet);
    },
    observeMemory: (memory) => sources.memory.observe(memory),
    observeListeners: (listeners) => {
      observed.listeners = listeners;
      sources.connections.observe(listeners);
    },
    observeTls: (tls) => {
      observed.tls = tls;
      sources.tls.observe(tls);
    },
  } satisfies Partial<Metrics>;
}

function startExport(
  readers: MetricsReaders,
  counts: ExportMetrics,
  options: OtlpMetricsOptions,
): Promise<void> {
  counts.begin();
  return readers.export({
    ...options,
    onExport: (error) => {
      counts.ended(error);
      options.onExport(error);
    },
  });
}
