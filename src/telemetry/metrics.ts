import type { WebhookOutcome } from "../server/webhook-listener.ts";
import type { PullEvents } from "../webhook/pull-events.ts";
import { CallMetrics } from "./call-metrics.ts";
import { FleetMetrics, type ObservedFleet } from "./fleet-metrics.ts";
import type { ReadableHistogram } from "./histogram.ts";
import { LogMetrics, type ObservedLog } from "./log-metrics.ts";
import { type ObservedOutbox, type ObservedSubmissions, OutboxMetrics } from "./outbox-metrics.ts";
import type { PrometheusReader } from "./prometheus-reader.ts";
import { PullMetrics } from "./pull-metrics.ts";
import { type ObservedSendQueue, SendingMetrics } from "./sending-metrics.ts";
import { StreamMetrics } from "./stream-metrics.ts";
import { type ObservedSubscriptions, SubscriptionMetrics } from "./subscription-metrics.ts";
import { WebhookMetrics } from "./webhook-metrics.ts";

/** The service's metrics: one function for each thing that happens, and a page with all of them. */
export interface Metrics extends AsyncDisposable {
  /** A webhook was answered, or its sender went away. */
  readonly webhookAnswered: (outcome: WebhookOutcome) => void;
  /** To be told what happens to the pollers. */
  readonly pull: PullEvents;
  /** To be told of the requests to Infobip. */
  readonly sending: Pick<SendingMetrics, "requestEnded" | "retried" | "paused" | "circuitChanged">;
  /** To be told of calls that send. */
  readonly calls: Pick<CallMetrics, "repeated" | "answerNotStored" | "streamSendEnded">;
  /** WatchEvents, with its open streams counted. */
  readonly countStreams: StreamMetrics["counted"];
  /** StreamMessages, with its open streams counted. */
  readonly countSendStreams: StreamMetrics["counted"];
  /** The log is open; its state is read at each scrape. */
  readonly observeLog: (log: ObservedLog) => void;
  /** The subscriptions can be read; they are at each scrape. */
  readonly observeSubscriptions: (subscriptions: ObservedSubscriptions) => void;
  /** The queue of sends is open; its state is read at each scrape. */
  readonly observeSendQueue: (queue: ObservedSendQueue) => void;
  /** The outbox is open; it and its store are read at each scrape. */
  readonly observeOutbox: (outbox: ObservedOutbox, submissions: ObservedSubmissions) => void;
  /** The fleet is open; its state is read at each scrape. */
  readonly observeFleet: (fleet: ObservedFleet) => void;
  /**
   * All metrics in Prometheus' text format. Scrapes at one time share one
   * reading. The first one loads the SDK, which takes some 20 ms.
   */
  readonly page: () => Promise<string>;
}

/** Settings of {@link createMetrics}. */
export interface MetricsOptions {
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * Makes the metrics. Counting is done here and read by the SDK, so that
 * neither the start nor a webhook pays for what nobody may ever ask for.
 */
export function createMetrics({ now }: MetricsOptions): Metrics {
  const webhooks = new WebhookMetrics();
  const pull = new PullMetrics();
  const sending = new SendingMetrics();
  const calls = new CallMetrics();
  const outbox = new OutboxMetrics(now);
  const streams = new StreamMetrics("WatchEvents", "infobip_rpc_watch_streams");
  const sendStreams = new StreamMetrics("StreamMessages", "infobip_rpc_send_streams");
  const log = new LogMetrics();
  const subscriptions = new SubscriptionMetrics(now);
  const fleet = new FleetMetrics();
  const page = new MetricsPage([
    sending,
    calls,
    sendStreams,
    outbox,
    webhooks,
    pull,
    log,
    subscriptions,
    streams,
    fleet,
  ]);
  return {
    webhookAnswered: (outcome) => webhooks.answered(outcome),
    pull: pull.events,
    sending,
    calls,
    countStreams: (method) => streams.counted(method),
    countSendStreams: (method) => sendStreams.counted(method),
    observeSendQueue: (queue) => sending.observe(queue),
    observeOutbox: (opened, submissions) => outbox.observe(opened, submissions),
    observeFleet: (observed) => fleet.observe(observed),
    observeLog: (opened) => log.observe(opened),
    observeSubscriptions: (engine) => subscriptions.observe(engine),
    page: () => page.read(),
    [Symbol.asyncDispose]: () => page[Symbol.asyncDispose](),
  };
}

interface MetricsSource extends Pick<WebhookMetrics, "register"> {
  readonly histograms?: readonly ReadableHistogram[];
}

class MetricsPage implements AsyncDisposable {
  readonly #sources: readonly MetricsSource[];
  #reader: Promise<PrometheusReader> | undefined;
  #reading: Promise<string> | undefined;

  constructor(sources: readonly MetricsSource[]) {
    this.#sources = sources;
  }

  read(): Promise<string> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<string> {
    this.#reader ??= this.#open().catch((error: unknown) => {
      this.#reader = undefined;
      throw error;
    });
    return (await this.#reader).page();
  }

  async #open(): Promise<PrometheusReader> {
    const { PrometheusReader } = await import("./prometheus-reader.ts");
    const histograms = this.#sources.flatMap((source) => source.histograms ?? []);
    return new PrometheusReader((meter) => {
      for (const source of this.#sources) source.register(meter);
    }, histograms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reader = this.#reader;
    this.#reader = undefined;
    const opened = await reader?.catch(() => undefined);
    await opened?.[Symbol.asyncDispose]();
  }
}
