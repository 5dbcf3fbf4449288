import type { Config } from "./config/config.ts";
import type { ListenAddress } from "./config/listen-address.ts";
import type { TlsConfig } from "./config/tls-config.ts";
import { TlsFilesError } from "./config/tls-identity.ts";
import { TlsCredentials } from "./server/tls/tls-credentials.ts";
import { StartError } from "./start-error.ts";
import type { ObservedCertificate, ObservedTls } from "./telemetry/tls-metrics.ts";
import { systemTimer } from "./timer.ts";
import type { TlsEvents } from "./tls-log.ts";

/** Listeners that can speak TLS. */
export type TlsListener = "grpc" | "http" | "webhook";

/** What {@link ServiceTls} works with. */
export interface ServiceTlsParts {
  readonly config: Pick<Config, "tls" | "webhook">;
  readonly events: TlsEvents;
  /** Stops watching the files. */
  readonly owned: AsyncDisposableStack;
}

/** The certificates of all listeners: one for the gRPC and the HTTP listener, one for webhooks. */
export class ServiceTls implements ObservedTls {
  readonly #parts: ServiceTlsParts;
  readonly #opened = new Map<TlsConfig, Promise<TlsCredentials>>();
  readonly #used = new Map<TlsListener, TlsCredentials>();

  constructor(parts: ServiceTlsParts) {
    this.#parts = parts;
  }

  /** The credentials for a listener; undefined when it is plain. Rejects with StartError TLS_FILES_UNUSABLE. */
  async credentialsFor(listener: TlsListener, address: ListenAddress): Promise<TlsCredentials | undefined> {
    const { config } = this.#parts;
    const tls = listener === "webhook" ? config.webhook.tls : config.tls;
    if (tls === undefined || address.kind === "unix") return undefined;
    let opening = this.#opened.get(tls);
    if (opening === undefined) {
      opening = this.#open(listener === "webhook" ? "webhook" : "api", tls);
      this.#opened.set(tls, opening);
    }
    const credentials = await opening;
    this.#used.set(listener, credentials);
    return credentials;
  }

  /** One entry for each listener that speaks TLS. */
  certificates(): ObservedCertificate[] {
    return [...this.#used].map(([listener, { reloads, expiresAt }]) => ({
      listener,
      reloads,
      notAfterMs: expiresAt,
    }));
  }

  /** Looks at all files now; what cannot be used is told and changes nothing. Never rejects. */
  async reload(): Promise<void> {
    await Promise.all([...new Set(this.#used.values())].map((credentials) => credentials.reload()));
  }

  async #open(component: string, config: TlsConfig): Promise<TlsCredentials> {
    const { events, owned } = this.#parts;
    const onReload = events.filesChanged.bind(events, component);
    const parts = { config, timer: systemTimer, now: Date.now, onReload };
    return owned.use(await TlsCredentials.open(parts).catch((error: unknown) => cannotStart(config, error)));
  }
}

function cannotStart(config: TlsConfig, error: unknown): never {
  if (!(error instanceof TlsFilesError)) throw error;
  throw new StartError("TLS_FILES_UNUSABLE", `${config.settings[error.part]}: ${error.message}`, error);
}
