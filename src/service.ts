import { randomBytes, randomUUID } from "node:crypto";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import type { Config } from "./config/config.ts";
import type { TelemetryConfig } from "./config/telemetry-config.ts";
import { configWarnings } from "./config/warnings.ts";
import { DestinationNames } from "./destination-names.ts";
import { createInfobipClient } from "./infobip/create-infobip-client.ts";
import { Lifecycle, type ServiceState } from "./lifecycle.ts";
import { type Logger, SILENT_LOGGER } from "./log.ts";
import { type MemoryPort, PROCESS_MEMORY } from "./memory-guard.ts";
import { roleChecks } from "./role-checks.ts";
import { RoleHealth, servicesOf } from "./role-health.ts";
import type { Guards } from "./server/guards.ts";
import { createHealth, type Health } from "./server/health.ts";
import type { Check, Checks, RoleChecks } from "./server/role-check.ts";
import type { ServiceBinding } from "./server/service-binding.ts";
import { logCallersEvents, openCallers } from "./service-callers.ts";
import { type DrainSteps, drainInOrder } from "./service-drain.ts";
import { logServiceEvents, type ServiceEvents } from "./service-events.ts";
import { preparePollers } from "./service-intake.ts";
import { ServiceListeners } from "./service-listeners.ts";
import { openMemoryGuard } from "./service-memory.ts";
import { bindServices, requestDefaults, warmUp } from "./service-methods.ts";
import { openSending, type Sending } from "./service-sending.ts";
import { serviceStatus } from "./service-status.ts";
import { type OpenLog, openStorage, type Storage } from "./service-storage.ts";
import {
  completeTelemetry,
  countCalls,
  countInternalErrors,
  createServiceMetrics,
  exportMetrics,
} from "./service-telemetry.ts";
import { openMessageContexts, openServiceTracing } from "./service-tracing.ts";
import type { Work } from "./service-work.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import type { MessageContexts } from "./telemetry/tracing/message-contexts.ts";
import type { Tracing } from "./telemetry/tracing/tracing.ts";
import { systemTimer } from "./timer.ts";
import type { IntakeTracing } from "./webhook/intake-trace.ts";
import type { Pollers } from "./webhook/pollers.ts";

/** What the service takes from outside. */
export interface ServicePorts {
  readonly log?: Logger;
  /** Unix milliseconds. */
  readonly now?: () => number;
  /** Default: this process's. */
  readonly memory?: MemoryPort;
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
  /**
   * Withdraws, tells streams and connections to go elsewhere, and lets what is
   * in progress end, for at most drain_timeout. Resolves with whether all of it
   * had ended by itself. Never rejects; later calls wait for the first.
   */
  drain(): Promise<boolean>;
  /** Takes over what of another configuration can change while the service runs: credentials for Infobip and rate limits. Throws an Error when the credentials cannot be right. */
  apply(config: Config): void;
  /** Looks now at the files that are watched, such as certificates and callers, instead of a little later. Resolves once that is done; never rejects. */
  reloadFiles(): Promise<void>;
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
  #client: Client | undefined;
  #sending: Sending | undefined;
  #tracing: Tracing | undefined;
  #contexts: MessageContexts | undefined;
  #draining: Promise<boolean> | undefined;
  /** What watches files of its own. `reload` never rejects. */
  readonly #watchedFiles: { reload(): Promise<void> }[] = [];
  #drainStopTime = 0;
  #startedAt = 0;

  constructor(config: Config, ports: ServicePorts) {
    this.#config = config;
    this.#ports = ports;
    this.#metrics = this.#owned.use(createServiceMetrics(() => this.#now()));
    const events = logServiceEvents(ports.log ?? SILENT_LOGGER, destinationNames(config));
    this.#events = countInternalErrors(this.#metrics, events);
    this.#lifecycle = new Lifecycle(this.#events.stateChanged);
    this.#health = createHealth(servicesOf(config.roles), this.#drained.signal);
    this.#listeners = new ServiceListeners({
      config,
      events: this.#events,
      metrics: this.#metrics,
      health: this.#health,
      owned: this.#owned,
    });
    this.#watchedFiles.push({ reload: () => this.#listeners.reloadTls() });
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
    this.#startedAt = this.#now();
    this.#lifecycle.enter("STARTING");
    for (const warning of configWarnings(this.#config)) this.#events.configDoubtful(warning);
    try {
      const telemetry = completeTelemetry(this.#config.telemetry);
      await exportMetrics(this.#metrics, telemetry, this.#ports.log ?? SILENT_LOGGER);
      const addresses = await this.#open(telemetry);
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

  drain(): Promise<boolean> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  apply(config: Config): void {
    this.#client?.useCredentials(config.upstream.auth);
    this.#sending?.setRateLimits(config.sending.rateLimit);
  }

  async reloadFiles(): Promise<void> {
    await Promise.all(this.#watchedFiles.map((files) => files.reload()));
  }

  async #drain(): Promise<boolean> {
    if (!this.#lifecycle.canEnter("DRAINING")) return true;
    const { drainTimeoutMs, drainDelayMs } = this.#config;
    this.#drainStopTime = this.#now() + drainTimeoutMs;
    this.#lifecycle.enter("DRAINING");
    return drainInOrder(this.#drainSteps(), {
      stopTime: this.#drainStopTime,
      delayMs: drainDelayMs,
      now: () => this.#now(),
      closed: this.#drained.signal,
    });
  }

  #drainSteps(): DrainSteps {
    const settled = async (...work: (Promise<unknown> | undefined)[]): Promise<void> => {
      await Promise.allSettled(work);
    };
    return {
      withdraw: () => this.#roleHealth?.refresh(),
      stopWork: (graceMs) => settled(this.#pollers?.stop(graceMs), this.#work?.drainSubmissions(graceMs)),
      tellStreams: () => this.#drained.abort(),
      closeConnections: (graceMs) => this.#listeners.drain(graceMs),
      // Reports of what was just sent are taken to the last; their sender repeats what is refused.
      flush: async (graceMs) => {
        const stopTime = this.#now() + graceMs;
        await settled(this.#work?.drainSubscriptions(), this.#listeners.stopWebhooks(graceMs));
        await this.#tracing?.flush(Math.max(0, stopTime - this.#now()));
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#lifecycle.canEnter("STOPPED")) return;
    this.#drained.abort();
    this.#lifecycle.enter("STOPPED");
    await this.#owned.disposeAsync();
  }

  /** What is opened first is closed last: the log outlives everything that writes to it or reads it. */
  async #open(telemetry: TelemetryConfig): Promise<ServiceAddresses> {
    const tracing = this.#owned.use(
      await openServiceTracing({
        config: this.#config,
        telemetry,
        log: this.#ports.log ?? SILENT_LOGGER,
      }),
    );
    this.#tracing = tracing;
    const storage = await this.#openStorage();
    this.#contexts = openMessageContexts(this.#config, storage, tracing);
    const client = this.#owned.use(this.#createClient());
    this.#client = client;
    const webhook = await this.#listeners.openWebhooks(storage.log, this.#intakeTracing());
    const bindings = await this.#bind(storage, client);
    const grpc = await this.#listeners.openGrpc(bindings);
    const http = await this.#listeners.openHttp(bindings);
    const admin = await this.#listeners.openAdmin({
      checks: () => this.#checks(),
      roles: () => this.#roleChecks(),
      status: () => this.#status(),
      logLevel: (this.#ports.log ?? SILENT_LOGGER).level,
    });
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
      onRequestEnd: this.#metrics.upstream.ended,
      onExchange: this.#tracing?.onExchange,
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
    const onSend = this.#contexts?.sent ?? (() => undefined);
    const sending = openSending({ ...common, ...storage, client, newMessageId, onSend, owned });
    const { sendSubmission } = sending;
    this.#sending = sending;
    const work = await storage.openWork({ ...common, ...draining, sendSubmission, owned });
    this.#work = work;
    const opened = await openCallers({
      ...common,
      events: logCallersEvents(this.#ports.log ?? SILENT_LOGGER),
      owned,
    });
    if (opened !== undefined) this.#watchedFiles.push(opened.directory);
    const callers = opened?.access;
    const guards = this.#guards();
    return bindServices({ ...common, ...draining, log: storage.log, client, sending, work, callers, guards });
  }

  #startPollers({ log }: Storage, client: Client): void {
    const pollers = preparePollers({
      config: this.#config,
      log,
      client,
      events: this.#events,
      metrics: this.#metrics,
      tracing: this.#intakeTracing(),
    });
    this.#pollers = pollers;
    this.#owned.defer(() => pollers.stop(0));
    pollers.start();
  }

  #intakeTracing(): IntakeTracing {
    return { contexts: this.#contexts, onBody: this.#tracing?.onBody };
  }

  #guards(): Guards {
    return {
      ...(this.#tracing && { begin: this.#tracing.begin }),
      skipValidation: SELF_VALIDATING,
      isDraining: () => this.#drained.signal.aborted,
      refusalOf: openMemoryGuard({
        config: this.#config,
        memory: this.#ports.memory ?? PROCESS_MEMORY,
        metrics: this.#metrics,
        log: this.#ports.log ?? SILENT_LOGGER,
        owned: this.#owned,
      }),
      onCall: countCalls(this.#metrics, this.#events.callEnded),
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

  #status(): Promise<object> {
    return serviceStatus({
      state: this.#lifecycle.state,
      roles: this.#config.roles,
      checks: this.#checks(),
      roleChecks: this.#roleChecks(),
      metrics: this.#metrics,
      now: () => this.#now(),
      startedAt: this.#startedAt,
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

/** Undefined when single messages are not logged. */
function destinationNames({ log }: Config): DestinationNames | undefined {
  return log.messages ? new DestinationNames(log.phoneKey?.reveal() ?? randomBytes(32)) : undefined;
}
