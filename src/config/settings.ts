import { AUTH_SETTINGS } from "./auth-settings.ts";
import { EVENT_LOG_SETTINGS, NATS_SETTINGS } from "./eventlog-settings.ts";
import { LIFECYCLE_SETTINGS, MEMORY_SETTINGS, MESSAGE_LOG_SETTINGS } from "./operations-settings.ts";
import { PULL_SETTINGS } from "./pull-settings.ts";
import { ROLES_SETTING } from "./roles-setting.ts";
import { SENDER_CHANNELS, type SenderChannel } from "./sender-channels.ts";
import { SENDING_SETTINGS, SUBMISSION_SETTINGS } from "./sending-settings.ts";
import { type SettingSpec, setting } from "./setting.ts";
import { CONNECTION_SETTINGS, TLS_SETTINGS, WEBHOOK_TLS_SETTINGS } from "./tls-settings.ts";
import { parseUpstreamUrl } from "./upstream-url.ts";
import * as types from "./value-types.ts";
import { WEBHOOK_SETTINGS } from "./webhook-settings.ts";

const MINUTE = 60_000;
const MIB = 1024 ** 2;

function defaultSenders(): Record<`defaults.sender.${SenderChannel}`, SettingSpec<string | undefined>> {
  const entries = SENDER_CHANNELS.map((channel) => [
    `defaults.sender.${channel}`,
    setting(types.optionalText(), {
      default: "",
      unit: "text",
      description: `Sender of ${channel.toUpperCase()} messages that name none.`,
    }),
  ]);
  return Object.fromEntries(entries);
}

/**
 * Every setting of the service. Names of flags and environment variables, the
 * file's keys, the defaults, `config print` and the table in
 * docs/configuration.md all come from here.
 */
export const SETTINGS = {
  "upstream.base_url": setting(types.optionalUrl(parseUpstreamUrl), {
    default: "",
    unit: "URL",
    description: "Base URL of your Infobip account, such as https://xxxxx.api.infobip.com. Required.",
  }),
  "upstream.auth": setting(types.choice(["app", "basic", "ibsso", "oauth"]), {
    default: "app",
    unit: "word",
    description:
      "How to sign in to Infobip: `app` (API key), `basic` (username and password), `ibsso` (session token) or `oauth` (client credentials).",
  }),
  "upstream.api_key": setting(types.optionalSecret(), {
    default: "",
    unit: "secret",
    secret: true,
    description: "API key, for `auth: app`.",
  }),
  "upstream.username": setting(types.optionalText(), {
    default: "",
    unit: "text",
    description: "User name, for `auth: basic`.",
  }),
  "upstream.password": setting(types.optionalSecret(), {
    default: "",
    unit: "secret",
    secret: true,
    description: "Password, for `auth: basic`.",
  }),
  "upstream.ibsso_token": setting(types.optionalSecret(), {
    default: "",
    unit: "secret",
    secret: true,
    description: "Session token, for `auth: ibsso`. It is not renewed.",
  }),
  "upstream.client_id": setting(types.optionalText(), {
    default: "",
    unit: "text",
    description: "Client id, for `auth: oauth`.",
  }),
  "upstream.client_secret": setting(types.optionalSecret(), {
    default: "",
    unit: "secret",
    secret: true,
    description: "Client secret, for `auth: oauth`.",
  }),
  "upstream.connections": setting(types.integer(1, 1024), {
    default: "32",
    unit: "count",
    description: "Most connections to Infobip at one time.",
  }),
  "upstream.connect_timeout": setting(types.duration(1, 10 * MINUTE), {
    default: "3s",
    unit: "duration",
    description: "Longest wait for a connection. What fails by it was certainly not sent.",
  }),
  "upstream.headers_timeout": setting(types.duration(1, 10 * MINUTE), {
    default: "30s",
    unit: "duration",
    description: "Longest wait for Infobip's answer to begin.",
  }),
  "upstream.body_timeout": setting(types.duration(1, 10 * MINUTE), {
    default: "30s",
    unit: "duration",
    description: "Longest silence within Infobip's answer.",
  }),
  "upstream.max_queued": setting(types.integer(0, 1_000_000), {
    default: "16384",
    unit: "count",
    description: "Most calls that may wait to be sent; further ones fail with OVERLOADED.",
  }),
  "upstream.max_response_bytes": setting(types.byteSize(1024, 256 * MIB), {
    default: "16MiB",
    unit: "bytes",
    description: "Largest answer taken from Infobip.",
  }),
  ...ROLES_SETTING,
  ...SENDING_SETTINGS,
  ...SUBMISSION_SETTINGS,
  "grpc.listen": setting(types.listenAddress(), {
    default: "127.0.0.1:50051",
    unit: "address",
    description: "Where gRPC is served: `host:port` or `unix:/path`. Empty turns it off.",
  }),
  "http.listen": setting(types.listenAddress(), {
    default: "127.0.0.1:8080",
    unit: "address",
    description: "Where Connect, gRPC-Web and JSON over HTTP are served. Empty turns it off.",
  }),
  ...TLS_SETTINGS,
  ...WEBHOOK_SETTINGS,
  ...WEBHOOK_TLS_SETTINGS,
  ...PULL_SETTINGS,
  "admin.listen": setting(types.listenAddress(), {
    default: "127.0.0.1:9464",
    unit: "address",
    description: "Where probes and metrics are served. Empty turns it off.",
  }),
  "limits.max_message_bytes": setting(types.byteSize(1024, 256 * MIB), {
    default: "4MiB",
    unit: "bytes",
    description: "Largest request message taken on the gRPC and HTTP listeners.",
  }),
  "limits.max_timeout": setting(types.duration(1000, 30 * 24 * 60 * MINUTE), {
    default: "24h",
    unit: "duration",
    description: "Longest deadline a caller on the HTTP listener may ask for.",
  }),
  ...CONNECTION_SETTINGS,
  ...MEMORY_SETTINGS,
  ...defaultSenders(),
  ...EVENT_LOG_SETTINGS,
  ...NATS_SETTINGS,
  "events.send_results": setting(types.choice(["durable", "relaxed", "off"]), {
    default: "durable",
    unit: "word",
    description:
      "Whether what Infobip answers to SendMessages is recorded as events: `durable` (the caller's answer waits until they are stored, at most 2 s), `relaxed` (it does not wait) or `off`.",
  }),
  "log.level": setting(types.choice(["trace", "debug", "info", "warn", "error", "fatal", "silent"]), {
    default: "info",
    unit: "word",
    description: "Least level that is logged: trace, debug, info, warn, error, fatal or silent.",
  }),
  "log.format": setting(types.choice(["auto", "json", "pretty"]), {
    default: "auto",
    unit: "word",
    description: "`json`, `pretty`, or `auto`: pretty on a terminal, else JSON.",
  }),
  ...MESSAGE_LOG_SETTINGS,
  drain_timeout: setting(types.duration(0, 60 * MINUTE), {
    default: "25s",
    unit: "duration",
    description: "How long calls in progress may go on after the signal to stop.",
  }),
  ...LIFECYCLE_SETTINGS,
  ...AUTH_SETTINGS,
  insecure_listen: setting(types.flag(), {
    default: "false",
    unit: "true or false",
    description:
      "Allow the gRPC and HTTP listeners on addresses that other machines can reach without TLS. What is sent, and tokens, can then be read on the way.",
  }),
} as const;

/** Path of a setting. */
export type SettingPath = keyof typeof SETTINGS;

/** Value of each setting, by its path. */
export type SettingValues = {
  readonly [P in SettingPath]: (typeof SETTINGS)[P] extends SettingSpec<infer T> ? T : never;
};

/** All paths, in the order of the table. */
export const SETTING_PATHS = Object.keys(SETTINGS) as SettingPath[];

/** The spec of a setting. */
export function settingSpec(path: SettingPath): SettingSpec<unknown> {
  return SETTINGS[path];
}
