import type { Config } from "./config/config.ts";
import { formatListenAddress } from "./config/listen-address.ts";
import type { EventLog } from "./eventlog/event-log.ts";
import type { ReportSource } from "./infobip/report-source.ts";
import { tellingAppends } from "./message-log.ts";
import type { TlsCredentials } from "./server/tls/tls-credentials.ts";
import { WebhookListener } from "./server/webhook-listener.ts";
import type { ServiceEvents } from "./service-events.ts";
import { listening } from "./start-error.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import { systemTimer } from "./timer.ts";
import type { IntakeTracing } from "./webhook/intake-trace.ts";
import { createPollers, type Pollers } from "./webhook/pollers.ts";
import type { PullEvents } from "./webhook/pull-events.ts";
import { WebhookReceiver } from "./webhook/receiver.ts";
import { DEFAULT_WEBHOOK_LIMITS } from "./webhook/webhook-limits.ts";

/** What intake works with. */
export interface IntakeOptions {
  readonly config: Config;
  readonly log: EventLog;
  readonly events: ServiceEvents;
  readonly metrics: Metrics;
  /** What bodies have to do with traces. */
  readonly tracing: IntakeTracing;
}

/** Opens the webhook listener; undefined when it is off. */
export async function openWebhooks(
  options: IntakeOptions & { readonly tls: TlsCredentials | undefined },
): Promise<WebhookListener | undefined> {
  const { config, log, events, metrics, tracing, tls } = options;
  const { listen, secret, security, maxBodyBytes, maxRequestsPerSecond } = config.webhook;
  if (!listen) return undefined;
  return await listening("webhook.listen", formatListenAddress(listen), () =>
    WebhookListener.start({
      listen,
      tls,
      secret,
      security,
      log: tellingAppends(log, events.messages),
      limits: { maxBodyBytes, maxRequestsPerSecond },
      tracing,
      observe: (outcome) => {
        events.webhookAnswered(outcome);
        metrics.webhookAnswered(outcome);
      },
    }),
  );
}

/** Makes what fetches reports and inbound messages. Nothing is fetched before it is started. */
export function preparePollers(options: IntakeOptions & { readonly client: ReportSource }): Pollers {
  const { config, log, events, metrics, tracing, client } = options;
  const { appendTimeoutMs } = DEFAULT_WEBHOOK_LIMITS;
  const receiver = new WebhookReceiver({
    ...tracing,
    log: tellingAppends(log, events.messages),
    appendTimeoutMs,
  });
  return createPollers({
    client,
    receive: (route, body) => receiver.receive(route, body),
    config: config.pull,
    isLogHealthy: () => log.health().ok,
    timer: systemTimer,
    random: Math.random,
    events: tellBoth(events.pull, metrics.pull),
  });
}

/** Tells the one, then the other. */
function tellBoth(one: PullEvents, other: PullEvents): PullEvents {
  return {
    stored: (source, page) => {
      one.stored(source, page);
      other.stored(source, page);
    },
    fetchFailed: (source, failure) => {
      one.fetchFailed(source, failure);
      other.fetchFailed(source, failure);
    },
    held: (source, page) => {
      one.held(source, page);
      other.held(source, page);
    },
    lost: (source, page) => {
      one.lost(source, page);
      other.lost(source, page);
    },
  };
}
