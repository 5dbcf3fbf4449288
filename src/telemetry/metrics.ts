import type { WebhookOutcome } from "../server/webhook-listener.ts";
import type { PullEvents } from "../webhook/pull-events.ts";
import { LogMetrics, type ObservedLog } from "./log-metrics.ts";
import type { PrometheusReader } from "./prometheus-reader.ts";
import { PullMetrics } from "./pull-metrics.ts";
import { StreamMetrics } from "./stream-metrics.ts";
import { type ObservedSubscriptions, SubscriptionMetrics } from "./subscription-metrics.ts";
import { WebhookMetrics } from "./webhook-metrics.ts";

/** The service's metrics: one function for each thing that happens, and a page with all of them. */
export interface Metrics extends AsyncDisposable {
  /** A webhook was answered, or its sender went away. */
  readonly webhookAnswered: (outcome: WebhookOutcome) => void;
  /** To be told what happens to the pollers. */
  readonly pull: PullEvents;
  /** The method, with its open streams counted. */
  readonly countStreams: StreamMetrics["counted"];
  /** The log is open; its state is read at each scrape. */
  readonly observeLog: (log: ObservedLog) => void;
  /** The subscriptions can be read; they are at each scrape. */
  readonly observeSubscriptions: (subscriptions: ObservedSubscriptions) => void;
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
  const streams = new StreamMetrics();
  const log = new LogMetrics();
  const subscriptions = new SubscriptionMetrics(now);
  const page = new MetricsPage([webhooks, pull, log, subscriptions, streams]);
  return {
    webhookAnswered: (outcome) => webhooks.answered(outcome),
    pull: pull.events,
    countStreams: (method) => streams.counted(method),
    observeLog: (opened) => log.observe(opened),
    observeSubscriptions: (engine) => subscriptions.observe(engine),
    page: () => page.read(),
    [Symbol.asyncDispose]: () => page[Symbol.asyncDispose](),
  };
}

type Register = Pick<WebhookMetrics, "register">;

class MetricsPage implements AsyncDisposable {
  readonly #sources: readonly Register[];
  #reader: Promise<PrometheusReader> | undefined;
  #reading: Promise<string> | undefined;

  constructor(sources: readonly Register[]) {
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
    return new PrometheusReader((meter) => {
      for (const source of this.#sources) source.register(meter);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reader = this.#reader;
    this.#reader = undefined;
    const opened = await reader?.catch(() => undefined);
    await opened?.[Symbol.asyncDispose]();
  }
}
