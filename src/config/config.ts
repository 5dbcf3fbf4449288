import type { Secret } from "../secret.ts";
import type { ListenAddress } from "./listen-address.ts";
import type { SenderChannel, SettingValues } from "./settings.ts";

/** How the service signs in to Infobip. */
export type UpstreamAuth =
  | { readonly type: "app"; readonly apiKey: Secret }
  | { readonly type: "basic"; readonly username: string; readonly password: Secret }
  | { readonly type: "ibsso"; readonly token: Secret }
  | { readonly type: "oauth"; readonly clientId: string; readonly clientSecret: Secret };

/** A listener; off without an address. */
export interface ListenerConfig {
  readonly listen: ListenAddress | undefined;
}

/** The whole configuration: checked, complete and frozen. docs/configuration.md tells what each setting means. */
export interface Config {
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
  readonly grpc: ListenerConfig;
  readonly http: ListenerConfig;
  readonly webhook: ListenerConfig & {
    /** Without a slash at the end. */
    readonly publicUrl: string | undefined;
    readonly secret: Secret | undefined;
    readonly maxBodyBytes: number;
  };
  readonly admin: ListenerConfig;
  readonly limits: { readonly maxMessageBytes: number; readonly maxTimeoutMs: number };
  readonly defaults: {
    /** Default sender by channel, such as `sms` or `viber_bm`. */
    readonly sender: Readonly<Partial<Record<SenderChannel, string>>>;
  };
  readonly dataDir: string;
  readonly eventlog: {
    /** Empty: the embedded engine. */
    readonly url: string;
  };
  readonly log: { readonly level: SettingValues["log.level"]; readonly format: SettingValues["log.format"] };
  readonly drainTimeoutMs: number;
  readonly insecureListen: boolean;
}
