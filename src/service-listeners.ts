import type { Config } from "./config/config.ts";
import { formatListenAddress, type ListenAddress } from "./config/listen-address.ts";
import type { EventLog } from "./eventlog/event-log.ts";
import { AdminListener, type AdminListenerOptions } from "./server/admin-listener.ts";
import { createGrpcListener, type Listener } from "./server/grpc-listener.ts";
import type { Health } from "./server/health.ts";
import { createHttpListener } from "./server/http-listener.ts";
import { createReflection } from "./server/reflection.ts";
import type { RefusalHook } from "./server/refusal.ts";
import type { ServiceBinding } from "./server/service-binding.ts";
import type { WebhookListener } from "./server/webhook-listener.ts";
import type { ServiceEvents } from "./service-events.ts";
import { openWebhooks } from "./service-intake.ts";
import { ServiceTls } from "./service-tls.ts";
import { listening } from "./start-error.ts";
import type { ObservedListener } from "./telemetry/connection-metrics.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import type { IntakeTracing } from "./webhook/intake-trace.ts";

/** What {@link ServiceListeners} work with. */
export interface ServiceListenersParts {
  readonly config: Config;
  readonly events: ServiceEvents;
  readonly metrics: Metrics;
  readonly health: Health;
  /** Closes what is opened, in reverse order. */
  readonly owned: AsyncDisposableStack;
}

/**
 * Opens the listeners that the configuration names. Each open method resolves
 * with the bound address, empty for a listener that is off, and rejects with a
 * StartError.
 */
export class ServiceListeners {
  readonly #parts: ServiceListenersParts;
  readonly #api: Listener[] = [];
  /** Those that listen, by name. */
  readonly #open = new Map<string, ObservedListener>();
  readonly #tls: ServiceTls;
  #webhooks: WebhookListener | undefined;

  constructor(parts: ServiceListenersParts) {
    this.#parts = parts;
    this.#tls = new ServiceTls({ config: parts.config, events: parts.events.tls, owned: parts.owned });
    parts.metrics.observeTls(this.#tls);
    parts.metrics.observeListeners(() => Object.fromEntries(this.#open));
  }

  async openGrpc(bindings: readonly ServiceBinding[]): Promise<string> {
    const { config, health } = this.#parts;
    const { listen, socketMode } = config.grpc;
    if (!listen) return "";
    const services = [...bindings, health.binding];
    const listener = createGrpcListener({
      address: listen,
      socketMode,
      tls: await this.#tls.credentialsFor("grpc", listen),
      services,
      rawServices: createReflection(services.map((binding) => binding.service)),
      limits: { ...connectionLimits(config), maxReceiveBytes: config.limits.maxMessageBytes },
      onRefusal: this.#refused,
    });
    return this.#startApi("grpc", listen, listener);
  }

  async openHttp(bindings: readonly ServiceBinding[]): Promise<string> {
    const { config } = this.#parts;
    const { listen, socketMode } = config.http;
    if (!listen) return "";
    const { maxMessageBytes, maxTimeoutMs } = config.limits;
    const listener = createHttpListener({
      address: listen,
      socketMode,
      tls: await this.#tls.credentialsFor("http", listen),
      services: bindings,
      limits: { ...connectionLimits(config), maxReceiveBytes: maxMessageBytes, maxTimeoutMs },
      onRefusal: this.#refused,
    });
    return this.#startApi("http", listen, listener);
  }

  async openWebhooks(log: EventLog, tracing: IntakeTracing): Promise<string> {
    const { config, events, metrics } = this.#parts;
    const { listen } = config.webhook;
    const tls = listen && (await this.#tls.credentialsFor("webhook", listen));
    this.#webhooks = await openWebhooks({ config, log, events, metrics, tracing, tls });
    return this.#webhooks === undefined ? "" : this.#opened("webhook", this.#webhooks);
  }

  /** The sources tell what the pages are to say. */
  async openAdmin(
    sources: Pick<AdminListenerOptions, "checks" | "roles" | "status" | "logLevel">,
  ): Promise<string> {
    const { config, metrics } = this.#parts;
    const { listen } = config.admin;
    if (!listen) return "";
    const listener = await listening("admin.listen", formatListenAddress(listen), () =>
      AdminListener.start({ ...sources, listen, metrics: metrics.page }),
    );
    return this.#opened("admin", listener);
  }

  /** Lets the calls in progress on the gRPC and HTTP listeners end, for at most so many milliseconds. Resolves with whether all did. */
  async drain(graceMs: number): Promise<boolean> {
    const ended = await Promise.all(this.#api.map((listener) => listener.drain(graceMs)));
    return ended.every(Boolean);
  }

  /** Takes no further webhooks; those in progress have so many milliseconds. */
  async stopWebhooks(graceMs: number): Promise<void> {
    await this.#webhooks?.stop(graceMs);
  }

  /** Looks at the TLS files now. Never rejects. */
  reloadTls(): Promise<void> {
    return this.#tls.reload();
  }

  /** No implementation sees these calls, so the guards do not tell of them. */
  readonly #refused: RefusalHook = (method, error, protocol = "grpc") => {
    const { events, metrics } = this.#parts;
    events.callRefused(method, error);
    metrics.rpc.refused({ method, protocol, error });
  };

  async #startApi(component: string, listen: ListenAddress, listener: Listener): Promise<string> {
    const { owned, events } = this.#parts;
    owned.use(listener);
    const bound = await listening(`${component}.listen`, formatListenAddress(listen), () => listener.start());
    const address = formatListenAddress(bound);
    this.#api.push(listener);
    this.#open.set(component, observed(address, listener));
    events.listening(component, address);
    return address;
  }

  #opened(
    component: string,
    listener: AsyncDisposable & { readonly address: ListenAddress; readonly connections: number },
  ): string {
    const { owned, events } = this.#parts;
    owned.use(listener);
    const address = formatListenAddress(listener.address);
    this.#open.set(component, observed(address, listener));
    events.listening(component, address);
    return address;
  }
}

function observed(address: string, listener: { readonly connections: number }): ObservedListener {
  return {
    address,
    get connections() {
      return listener.connections;
    },
  };
}

function connectionLimits({ limits }: Config) {
  const { maxConnectionAgeMs, maxConnectionAgeGraceMs } = limits;
  return { maxConnectionAgeMs, maxConnectionAgeGraceMs };
}
