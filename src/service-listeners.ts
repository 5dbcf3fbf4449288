import type { Config } from "./config/config.ts";
import { formatListenAddress, type ListenAddress } from "./config/listen-address.ts";
import type { EventLog } from "./eventlog/event-log.ts";
import { AdminListener } from "./server/admin-listener.ts";
import { createGrpcListener, type Listener } from "./server/grpc-listener.ts";
import type { Health } from "./server/health.ts";
import { createHttpListener } from "./server/http-listener.ts";
import { createReflection } from "./server/reflection.ts";
import type { Checks, RoleChecks } from "./server/role-check.ts";
import type { ServiceBinding } from "./server/service-binding.ts";
import type { WebhookListener } from "./server/webhook-listener.ts";
import type { ServiceEvents } from "./service-events.ts";
import { openWebhooks } from "./service-intake.ts";
import { listening } from "./start-error.ts";
import type { Metrics } from "./telemetry/metrics.ts";

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
  #webhooks: WebhookListener | undefined;

  constructor(parts: ServiceListenersParts) {
    this.#parts = parts;
  }

  async openGrpc(bindings: readonly ServiceBinding[]): Promise<string> {
    const { config, events, health } = this.#parts;
    const { listen } = config.grpc;
    if (!listen) return "";
    const services = [...bindings, health.binding];
    const listener = createGrpcListener({
      address: listen,
      services,
      rawServices: createReflection(services.map((binding) => binding.service)),
      limits: { maxReceiveBytes: config.limits.maxMessageBytes },
      onRefusal: events.callRefused,
    });
    return this.#startApi("grpc", listen, listener);
  }

  async openHttp(bindings: readonly ServiceBinding[]): Promise<string> {
    const { config, events } = this.#parts;
    const { listen } = config.http;
    if (!listen) return "";
    const { maxMessageBytes, maxTimeoutMs } = config.limits;
    const listener = createHttpListener({
      address: listen,
      services: bindings,
      limits: { maxReceiveBytes: maxMessageBytes, maxTimeoutMs },
      onRefusal: events.callRefused,
    });
    return this.#startApi("http", listen, listener);
  }

  async openWebhooks(log: EventLog): Promise<string> {
    const { config, events, metrics } = this.#parts;
    this.#webhooks = await openWebhooks({ config, log, events, metrics });
    return this.#webhooks === undefined ? "" : this.#opened("webhook", this.#webhooks);
  }

  /** `checks` and `roles` tell what the probes are to say. */
  async openAdmin(checks: () => Checks, roles: () => RoleChecks): Promise<string> {
    const { config, metrics } = this.#parts;
    const { listen } = config.admin;
    if (!listen) return "";
    const listener = await listening("admin.listen", formatListenAddress(listen), () =>
      AdminListener.start({ listen, checks, roles, metrics: metrics.page }),
    );
    return this.#opened("admin", listener);
  }

  /** Lets the calls in progress on the gRPC and HTTP listeners end, for at most so many milliseconds. */
  async drain(graceMs: number): Promise<void> {
    await Promise.all(this.#api.map((listener) => listener.drain(graceMs)));
  }

  /** Takes no further webhooks; those in progress have so many milliseconds. */
  async stopWebhooks(graceMs: number): Promise<void> {
    await this.#webhooks?.stop(graceMs);
  }

  async #startApi(component: string, listen: ListenAddress, listener: Listener): Promise<string> {
    const { owned, events } = this.#parts;
    owned.use(listener);
    const bound = await listening(`${component}.listen`, formatListenAddress(listen), () => listener.start());
    const address = formatListenAddress(bound);
    this.#api.push(listener);
    events.listening(component, address);
    return address;
  }

  #opened(component: string, listener: AsyncDisposable & { readonly address: ListenAddress }): string {
    const { owned, events } = this.#parts;
    owned.use(listener);
    const address = formatListenAddress(listener.address);
    events.listening(component, address);
    return address;
  }
}
