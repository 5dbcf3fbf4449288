import { randomUUID, randomUUIDv7 } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { EventsService, WatchEventsRequestSchema } from "../gen/infobip/events/v1/events_service_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import {
  MessagesService,
  SendMessagesRequestSchema,
} from "../gen/infobip/messages/v1/messages_service_pb.js";
import type { Config } from "./config/config.ts";
import { formatListenAddress, type ListenAddress } from "./config/listen-address.ts";
import type { EmbeddedEventLog } from "./eventlog/embedded/embedded-log.ts";
import { type EmbeddedLogOptions, openEmbeddedLog } from "./eventlog/embedded/open-embedded-log.ts";
import { createWatchEvents } from "./events/watch-events.ts";
import { createInfobipClient } from "./infobip/create-infobip-client.ts";
import { Lifecycle, type ServiceState } from "./lifecycle.ts";
import { type Logger, SILENT_LOGGER } from "./log.ts";
import { createMessagesService } from "./messages/messages-service.ts";
import type { RequestDefaults } from "./messages/request-defaults.ts";
import { AdminListener, type Checks } from "./server/admin-listener.ts";
import { createGrpcListener, type Listener } from "./server/grpc-listener.ts";
import { type Guards, guard } from "./server/guards.ts";
import { createHealth, type Health } from "./server/health.ts";
import { createHttpListener } from "./server/http-listener.ts";
import { createReflection } from "./server/reflection.ts";
import { bindService, type ServiceBinding } from "./server/service-binding.ts";
import { WebhookListener } from "./server/webhook-listener.ts";
import { logServiceEvents, type ServiceEvents } from "./service-events.ts";
import { listening } from "./start-error.ts";
import { validate } from "./validation.ts";
import { webhookUrl } from "./webhook/webhook-urls.ts";

/** What the service takes from outside. */
export interface ServicePorts {
  readonly log?: Logger;
  /** Unix milliseconds. */
  readonly now?: () => number;
  /** Opens the event log. Default: the embedded engine. */
  readonly openLog?: (options: EmbeddedLogOptions) => Promise<EmbeddedEventLog>;
  /** Makes ids for messages whose caller gave none. Default: UUIDv7. */
  readonly newMessageId?: () => string;
}

/** Bound addresses, `host:port` or `unix:/path`; empty for a listener that is off. */
export interface ServiceAddresses extends Readonly<Record<string, string>> {
  readonly grpc: string;
  readonly http: string;
  readonly webhook: string;
  readonly admin: string;
}

/** The service as a whole. */
export interface Service extends AsyncDisposable {
  readonly state: ServiceState;
  /** Opens the log and all listeners. Rejects with an Error that says what could not be had; nothing is then left open. */
  start(): Promise<ServiceAddresses>;
  /** Refuses new calls, ends streams with a draining frame, lets calls in progress finish for at most drain_timeout. */
  drain(): Promise<void>;
  /** Rejects when the service can no longer do its work; pending for as long as it can. */
  readonly waitUntilFailed: Promise<never>;
}

/** Reports violations itself, so the guards leave its requests alone. */
const SELF_VALIDATING = new Set([`${MessagesService.typeName}/ValidateMessages`]);

/** Composes the service from its configuration. Nothing is opened before start(). */
export function createService(config: Config, ports: ServicePorts = {}): Service {
  return new InfobipRpc(config, ports);
}

class InfobipRpc implements Service {
  readonly #config: Config;
  readonly #ports: ServicePorts;
  readonly #events: ServiceEvents;
  readonly #lifecycle: Lifecycle;
  readonly #owned = new AsyncDisposableStack();
  readonly #drained = new AbortController();
  readonly #failure = Promise.withResolvers<never>();
  readonly #health: Health = createHealth([MessagesService.typeName, EventsService.typeName]);
  readonly #api: Listener[] = [];
  #webhooks: WebhookListener | undefined;
  #log: EmbeddedEventLog | undefined;
  #drainStopTime = 0;

  constructor(config: Config, ports: ServicePorts) {
    this.#config = config;
    this.#ports = ports;
    this.#events = logServiceEvents(ports.log ?? SILENT_LOGGER);
    this.#lifecycle = new Lifecycle(this.#events.stateChanged);
    // Whoever does not wait for a failure must not be ended by it.
    this.#failure.promise.catch(() => {});
  }

  get state(): ServiceState {
    return this.#lifecycle.state;
  }

  get waitUntilFailed(): Promise<never> {
    return this.#failure.promise;
  }

  async start(): Promise<ServiceAddresses> {
    this.#lifecycle.enter("STARTING");
    try {
      const addresses = await this.#open();
      this.#lifecycle.enter("RUNNING");
      this.#health.setServing(true);
      setImmediate(warmUp);
      return addresses;
    } catch (error) {
      this.#lifecycle.enter("FAILED");
      await this.#owned.disposeAsync();
      throw error;
    }
  }

  async drain(): Promise<void> {
    if (!this.#lifecycle.canEnter("DRAINING")) return;
    const graceMs = this.#config.drainTimeoutMs;
    this.#drainStopTime = this.#now() + graceMs;
    this.#lifecycle.enter("DRAINING");
    this.#health.setServing(false);
    this.#drained.abort();
    await Promise.all(this.#api.map((listener) => listener.drain(graceMs)));
    // Reports of what was just sent are taken to the last; their sender repeats what is refused.
    await this.#webhooks?.stop(Math.max(0, this.#drainStopTime - this.#now()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#lifecycle.canEnter("STOPPED")) return;
    this.#drained.abort();
    this.#lifecycle.enter("STOPPED");
    await this.#owned.disposeAsync();
  }

  /** What is opened first is closed last: the log outlives everything that writes to it or reads it. */
  async #open(): Promise<ServiceAddresses> {
    const directory = this.#config.dataDir;
    const open = this.#ports.openLog ?? openEmbeddedLog;
    const log = this.#owned.use(await open({ directory, now: () => this.#now() }));
    this.#log = log;
    void log.failed.then((error) => this.#fail(error));
    const webhook = await this.#openWebhooks(log);
    const bindings = this.#bind(log);
    const grpc = await this.#openGrpc(bindings);
    const http = await this.#openHttp(bindings);
    const admin = await this.#openAdmin();
    return { grpc, http, webhook, admin };
  }

  #bind(log: EmbeddedEventLog): ServiceBinding[] {
    const { upstream, webhook } = this.#config;
    const client = this.#owned.use(
      createInfobipClient({
        ...upstream,
        credentials: upstream.auth,
        hiddenSecrets: webhook.secret === undefined ? [] : [webhook.secret],
      }),
    );
    const messages = createMessagesService({
      client,
      defaults: requestDefaults(this.#config),
      newMessageId: this.#ports.newMessageId ?? randomUUIDv7,
    });
    const watchEvents = createWatchEvents({
      log,
      draining: this.#drained.signal,
      drainStopTime: () => this.#drainStopTime,
      now: () => this.#now(),
    });
    const guards = this.#guards();
    return [
      bindService(MessagesService, guard(MessagesService, messages, guards)),
      bindService(EventsService, guard(EventsService, { watchEvents }, guards)),
    ];
  }

  #guards(): Guards {
    return {
      skipValidation: SELF_VALIDATING,
      isDraining: () => this.#drained.signal.aborted,
      onCall: this.#events.callEnded,
      onInternalError: this.#events.internalError,
      newErrorId: randomUUID,
    };
  }

  async #openGrpc(bindings: readonly ServiceBinding[]): Promise<string> {
    const { listen } = this.#config.grpc;
    if (!listen) return "";
    const services = [...bindings, this.#health.binding];
    const listener = createGrpcListener({
      address: listen,
      services,
      rawServices: createReflection(services.map((binding) => binding.service)),
      limits: { maxReceiveBytes: this.#config.limits.maxMessageBytes },
      onRefusal: this.#events.callRefused,
    });
    return this.#startApi("grpc", listen, listener);
  }

  async #openHttp(bindings: readonly ServiceBinding[]): Promise<string> {
    const { listen } = this.#config.http;
    if (!listen) return "";
    const { maxMessageBytes, maxTimeoutMs } = this.#config.limits;
    const listener = createHttpListener({
      address: listen,
      services: bindings,
      limits: { maxReceiveBytes: maxMessageBytes, maxTimeoutMs },
      onRefusal: this.#events.callRefused,
    });
    return this.#startApi("http", listen, listener);
  }

  async #startApi(component: string, listen: ListenAddress, listener: Listener): Promise<string> {
    this.#owned.use(listener);
    const bound = await listening(`${component}.listen`, formatListenAddress(listen), () => listener.start());
    const address = formatListenAddress(bound);
    this.#api.push(listener);
    this.#events.listening(component, address);
    return address;
  }

  async #openWebhooks(log: EmbeddedEventLog): Promise<string> {
    const { listen, secret, maxBodyBytes } = this.#config.webhook;
    if (!listen) return "";
    const options = { listen, secret, log, limits: { maxBodyBytes }, observe: this.#events.webhookAnswered };
    const listener = await listening("webhook.listen", formatListenAddress(listen), () =>
      WebhookListener.start(options),
    );
    this.#webhooks = listener;
    return this.#opened("webhook", listener);
  }

  async #openAdmin(): Promise<string> {
    const { listen } = this.#config.admin;
    if (!listen) return "";
    const options = { listen, checks: () => this.#checks() };
    const listener = await listening("admin.listen", formatListenAddress(listen), () =>
      AdminListener.start(options),
    );
    return this.#opened("admin", listener);
  }

  #opened(component: string, listener: AsyncDisposable & { readonly address: ListenAddress }): string {
    this.#owned.use(listener);
    const address = formatListenAddress(listener.address);
    this.#events.listening(component, address);
    return address;
  }

  /** Infobip being down is no reason to withdraw: callers get a clear error, and webhooks still come. */
  #checks(): Checks {
    const { state } = this.#lifecycle;
    return {
      service: state === "RUNNING" ? { ok: true } : { ok: false, reason: state },
      eventlog: this.#log?.health() ?? { ok: false, reason: "not open" },
    };
  }

  #fail(error: Error): void {
    if (!this.#lifecycle.canEnter("FAILED")) return;
    this.#events.logFailed(error);
    this.#lifecycle.enter("FAILED");
    this.#health.setServing(false);
    this.#failure.reject(error);
  }

  #now(): number {
    return (this.#ports.now ?? Date.now)();
  }
}

/** Compiles the rules of the hot methods, so that the first caller does not wait for it. */
function warmUp(): void {
  validate(SendMessagesRequestSchema, create(SendMessagesRequestSchema));
  validate(WatchEventsRequestSchema, create(WatchEventsRequestSchema));
}

function requestDefaults({ defaults, webhook }: Config): RequestDefaults {
  const senders = Object.entries(defaults.sender).map(
    ([name, sender]) => [Channel[name.toUpperCase() as keyof typeof Channel] as Channel, sender] as const,
  );
  const { publicUrl, secret } = webhook;
  return {
    senders: new Map(senders),
    webhookUrls:
      publicUrl === undefined
        ? undefined
        : {
            delivery: webhookUrl(publicUrl, "delivery", secret),
            seen: webhookUrl(publicUrl, "seen", secret),
          },
  };
}
