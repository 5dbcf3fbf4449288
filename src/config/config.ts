import type { InboundPullChannel } from "../infobip/report-source.ts";
import type { Role } from "../roles.ts";
import type { Secret } from "../secret.ts";
import type { AuthConfig } from "./auth-config.ts";
import type { ListenAddress } from "./listen-address.ts";
import type { NatsConfig } from "./nats-config.ts";
import type { LogConfig } from "./operations-config.ts";
import type { SenderChannel } from "./sender-channels.ts";
import type { SendingConfig, SubmissionsConfig } from "./sending-config.ts";
import type { SettingPath, SettingValues } from "./settings.ts";
import type { TelemetryConfig } from "./telemetry-config.ts";
import type { ConnectionConfig, TlsConfig } from "./tls-config.ts";
import type { WebhookConfig } from "./webhook-config.ts";

/** How the service signs in to Infobip. */
export type UpstreamAuth =
  | { readonly type: "app"; readonly apiKey: Secret }
  | { readonly type: "basic"; readonly username: string; readonly password: Secret }
  | { readonly type: "ibsso"; readonly token: Secret }
  | { readonly type: "oauth"; readonly clientId: string; readonly clientSecret: Secret };

/** A listener; off without an address, by its setting or because no role needs it. */
export interface ListenerConfig {
  readonly listen: ListenAddress | undefined;
}

/** A listener for API clients. */
export interface ApiListenerConfig extends ListenerConfig {
  /** Mode of its Unix socket. */
  readonly socketMode: 0o600 | 0o660;
}

/** What is fetched from Infobip: nothing without the role intake. */
export interface PullConfig {
  readonly reports: boolean;
  readonly inbound: readonly InboundPullChannel[];
  readonly intervalMs: number;
  readonly limit: number;
}

/** The whole configuration: checked, complete and frozen. docs/configuration.md tells what each setting means. */
export interface Config {
  /** What this process does; at least one. */
  readonly roles: readonly Role[];
  readonly upstream: {
    /** Without a slash at the end. */
    readonly baseUrl: string;
    readonly auth: UpstreamAuth;
    readonly connections: number;
    readonly connectTimeoutMs: number;
    readonly headersTimeoutMs: number;
    readonly bodyTimeoutMs: number;
    readonly maxQueued: number;
    readonly maxResponseBytes: number;
  };
  readonly sending: SendingConfig;
  readonly submissions: SubmissionsConfig;
  readonly grpc: ApiListenerConfig;
  readonly http: ApiListenerConfig;
  /** TLS of the two on TCP; undefined: they are plain. */
  readonly tls: TlsConfig | undefined;
  readonly webhook: WebhookConfig;
  readonly pull: PullConfig;
  readonly admin: ListenerConfig;
  readonly limits: ConnectionConfig & {
    readonly maxMessageBytes: number;
    readonly maxTimeoutMs: number;
    /** Undefined: that of the control group; 0: none. */
    readonly memoryBytes: number | undefined;
  };
  readonly defaults: {
    /** Default sender by channel, such as `sms` or `viber_bm`. */
    readonly sender: Readonly<Partial<Record<SenderChannel, string>>>;
  };
  readonly dataDir: string;
  readonly eventlog: {
    /** Undefined: the embedded engine. */
    readonly nats: NatsConfig | undefined;
    readonly retention: { readonly ageMs: number; readonly bytes: number };
  };
  readonly events: { readonly sendResults: SettingValues["events.send_results"] };
  readonly log: LogConfig;
  /** What OpenTelemetry's own variables ask for. */
  readonly telemetry: TelemetryConfig;
  readonly drainTimeoutMs: number;
  /** Part of the drain in which the service still serves as before. */
  readonly drainDelayMs: number;
  /** Undefined: nobody is told. */
  readonly terminationMessageFile: string | undefined;
  readonly auth: AuthConfig;
  readonly insecureListen: boolean;
  /** Settings that were given and have no effect with the others. */
  readonly ignored: readonly SettingPath[];
}
