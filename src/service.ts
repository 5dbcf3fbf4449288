import { randomUUID } from "node:crypto";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import type { Config } from "./config/config.ts";
import { configWarnings } from "./config/warnings.ts";
import { createInfobipClient } from "./infobip/create-infobip-client.ts";
import { Lifecycle, type ServiceState } from "./lifecycle.ts";
import { type Logger, SILENT_LOGGER } from "./log.ts";
import { roleChecks } from "./role-checks.ts";
import { RoleHealth, servicesOf } from "./role-health.ts";
import type { Guards } from "./server/guards.ts";
import { createHealth, type Health } from "./server/health.ts";
import type { Check, Checks, RoleChecks } from "./server/role-check.ts";
import type { ServiceBinding } from "./server/service-binding.ts";
import { logServiceEvents, type ServiceEvents } from "./service-events.ts";
import { preparePollers } from "./service-intake.ts";
import { ServiceListeners } from "./service-listeners.ts";
import { bindServices, requestDefaults, warmUp } from "./service-methods.ts";
import { openSending } from "./service-sending.ts";
import { type OpenLog, openStorage, type Storage } from "./service-storage.ts";
import type { Work } from "./service-work.ts";
import { createMetrics, type Metrics } from "./telemetry/metrics.ts";
import { systemTimer } from "./timer.ts";
import type { Pollers } from "./webhook/pollers.ts";

/** What the service takes from outside. */
export interface ServicePorts {
  readonly log?: Logger;
  /** Unix milliseconds. */
  readonly now?: () => number;
  /** Opens the event log. Default: the embedded engine. */
  readonly openLog?: OpenLog;
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

type Client = ReturnType<typeof createInfobipClient>;

const NOT_OPEN: Check = { ok: false, reason: "not open" };

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
  readonly #health: Health;
  #roleHealth: RoleHealth | undefined;
  readonly #listeners: ServiceListeners;
  readonly #metrics: Metrics;
  #storage: Storage | undefined;
  #pollers: Pollers | undefined;
  #work: Work | undefined;
  #drainStopTime = 0;

  constructor(config: Config, ports: ServicePorts) {
    this.#config = config;
    this.#ports = ports;
    this.#events = logServiceEvents(ports.log ?? SILENT_LOGGER);
    this.#lifecycle = new Lifecycle(this.#events.stateChanged);
    this.#metrics = this.#owned.use(createMetrics({ now: () => this.#now() }));
    this.#health = createHealth(servicesOf(config.roles));
    this.#listeners = new ServiceListeners({
      config,
      events: this.#events,
      metrics: this.#metrics,
      health: this.#health,
      owned: this.#owned,
    });
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
    for (const warning of configWarnings(this.#config)) this.#events.configDoubtful(warning);
    try {
      const addresses = await this.#open();
      this.#lifecycle.enter("RUNNING");
      const checks = (): RoleChecks => this.#roleChecks();
      this.#roleHealth = this.#owned.use(
        new RoleHealth({ health: this.#health, checks, timer: systemTimer }),
      );
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
    this.#roleHealth?.refresh();
    this.#drained.abort();
    const polled = this.#pollers?.stop(graceMs);
    const sent = this.#work?.drainSubmissions(graceMs);
    await this.#listeners.drain(graceMs);
    await sent;
    await this.#work?.drainSubscriptions();
    // Reports of what was just sent are taken to the last; their sender repeats what is refused.
    await this.#listeners.stopWebhooks(Math.max(0, this.#drainStopTime - this.#now()));
    await polled;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#lifecycle.canEnter("STOPPED")) return;
    this.#drained.abort();
    this.#lifecycle.enter("STOPPED");
    await this.#owned.disposeAsync();
  }

  /** What is opened first is closed last: the log outlives everything that writes to it or reads it. */
  async #open(): Promise<ServiceAddresses> {
    const storage = await this.#openStorage();
    const client = this.#owned.use(this.#createClient());
    const webhook = await this.#listeners.openWebhooks(storage.log);
    const bindings = await this.#bind(storage, client);
    const grpc = await this.#listeners.openGrpc(bindings);
    const http = await this.#listeners.openHttp(bindings);
    const admin = await this.#listeners.openAdmin(
      () => this.#checks(),
      () => this.#roleChecks(),
    );
    this.#startPollers(storage, client);
    this.#work?.start();
    return { grpc, http, webhook, admin };
  }

  async #openStorage(): Promise<Storage> {
    const storage = await openStorage({
      config: this.#config,
      openLog: this.#ports.openLog,
      now: () => this.#now(),
      events: this.#events,
      owned: this.#owned,
    });
    this.#storage = storage;
    if (storage.readsEvents) this.#metrics.observeLog(storage.log);
    void storage.failed.then((error) => this.#fail(error));
    return storage;
  }

  #createClient(): Client {
    const { upstream, webhook } = this.#config;
    return createInfobipClient({
      ...upstream,
      credentials: upstream.auth,
      hiddenSecrets: webhook.secret === undefined ? [] : [webhook.secret],
    });
  }

  async #bind(storage: Storage, client: Client): Promise<ServiceBinding[]> {
    const common = {
      config: this.#config,
      metrics: this.#metrics,
      events: this.#events,
      defaults: requestDefaults(this.#config),
      now: (): number => this.#now(),
    };
    const draining = { draining: this.#drained.signal, drainStopTime: () => this.#drainStopTime };
    const owned = this.#owned;
    const { newMessageId } = this.#ports;
    const sending = openSending({ ...common, ...storage, client, newMessageId, owned });
    const { sendSubmission } = sending;
    const work = await storage.openWork({ ...common, ...draining, sendSubmission, owned });
    this.#work = work;
    const guards = this.#guards();
    return bindServices({ ...common, ...draining, log: storage.log, client, sending, work, guards });
  }

  #startPollers({ log }: Storage, client: Client): void {
    const pollers = preparePollers({
      config: this.#config,
      log,
      client,
      events: this.#events,
      metrics: this.#metrics,
    });
    this.#pollers = pollers;
    this.#owned.defer(() => pollers.stop(0));
    pollers.start();
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

  /** Infobip being down is no reason to withdraw: callers get a clear error, and webhooks still come. */
  #checks(): Checks {
    const { state } = this.#lifecycle;
    const pull = this.#pullCheck();
    return {
      service: state === "RUNNING" ? { ok: true } : { ok: false, reason: state },
      ...(this.#storage?.checks() ?? { eventlog: NOT_OPEN }),
      ...(pull === undefined ? {} : { pull }),
    };
  }

  #roleChecks(): RoleChecks {
    return roleChecks({
      state: this.#lifecycle.state,
      roles: this.#config.roles,
      eventlog: this.#storage?.checks().eventlog ?? NOT_OPEN,
      follower: this.#storage?.follower(),
      outbox: this.#work?.outboxCheck(),
      pull: this.#pullCheck(),
    });
  }

  #pullCheck(): Check | undefined {
    return this.#pollers !== undefined && this.#pollers.count > 0 ? this.#pollers.health() : undefined;
  }

  #fail(error: Error): void {
    if (!this.#lifecycle.canEnter("FAILED")) return;
    this.#events.logFailed(error);
    this.#lifecycle.enter("FAILED");
    this.#roleHealth?.refresh();
    this.#failure.reject(error);
  }

  #now(): number {
    return (this.#ports.now ?? Date.now)();
  }
}
