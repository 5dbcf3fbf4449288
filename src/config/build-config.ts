import { authConfig } from "./auth-config.ts";
import type { Config, UpstreamAuth } from "./config.ts";
import { natsConfig } from "./nats-config.ts";
import { logConfig } from "./operations-config.ts";
import { SENDER_CHANNELS, type SenderChannel } from "./sender-channels.ts";
import { sendingConfig, submissionsConfig } from "./sending-config.ts";
import type { SettingPath, SettingValues } from "./settings.ts";
import type { TelemetryConfig } from "./telemetry-config.ts";
import { apiTls, connectionConfig } from "./tls-config.ts";
import { webhookConfig } from "./webhook-config.ts";

/** What the rules have found out about the values. */
export interface Findings {
  readonly baseUrl: string;
  readonly auth: UpstreamAuth;
  readonly ignored: readonly SettingPath[];
  readonly telemetry: TelemetryConfig;
}

/** Makes the configuration of checked values. What no role needs is off. */
export function buildConfig(values: SettingValues, { baseUrl, auth, ignored, telemetry }: Findings): Config {
  const { roles } = values;
  const servesApi = roles.includes("send") || roles.includes("events");
  const takesReports = roles.includes("intake");
  return deepFreeze({
    roles,
    upstream: {
      baseUrl,
      auth,
      connections: values["upstream.connections"],
      connectTimeoutMs: values["upstream.connect_timeout"],
      headersTimeoutMs: values["upstream.headers_timeout"],
      bodyTimeoutMs: values["upstream.body_timeout"],
      maxQueued: values["upstream.max_queued"],
      maxResponseBytes: values["upstream.max_response_bytes"],
    },
    sending: sendingConfig(values),
    submissions: submissionsConfig(values),
    grpc: {
      listen: servesApi ? values["grpc.listen"] : undefined,
      socketMode: values["grpc.socket_mode"] === "0660" ? 0o660 : 0o600,
    },
    http: {
      listen: servesApi ? values["http.listen"] : undefined,
      socketMode: values["http.socket_mode"] === "0660" ? 0o660 : 0o600,
    },
    tls: apiTls(values),
    webhook: { ...webhookConfig(values), ...(takesReports ? {} : { listen: undefined }) },
    pull: {
      reports: takesReports && values["pull.reports"],
      inbound: takesReports ? values["pull.inbound"] : [],
      intervalMs: values["pull.interval"],
      limit: values["pull.limit"],
    },
    admin: { listen: values["admin.listen"] },
    limits: {
      maxMessageBytes: values["limits.max_message_bytes"],
      maxTimeoutMs: values["limits.max_timeout"],
      ...connectionConfig(values),
      memoryBytes: values["limits.memory"],
    },
    defaults: { sender: senders(values) },
    dataDir: values.data_dir,
    eventlog: {
      nats: natsConfig(values),
      retention: {
        ageMs: values["eventlog.retention_age"],
        bytes: values["eventlog.retention_bytes"],
      },
    },
    events: { sendResults: values["events.send_results"] },
    log: logConfig(values),
    telemetry,
    drainTimeoutMs: values.drain_timeout,
    drainDelayMs: values.drain_delay,
    terminationMessageFile: values.termination_message_file,
    auth: authConfig(values),
    insecureListen: values.insecure_listen,
    ignored,
  });
}

function senders(values: SettingValues): Partial<Record<SenderChannel, string>> {
  const given: Partial<Record<SenderChannel, string>> = {};
  for (const channel of SENDER_CHANNELS) {
    const sender = values[`defaults.sender.${channel}`];
    if (sender !== undefined) given[channel] = sender;
  }
  return given;
}

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) {
    if (typeof member === "object" && member !== null) deepFreeze(member);
  }
  return Object.freeze(value);
}
