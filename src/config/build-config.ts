import type { Config, UpstreamAuth } from "./config.ts";
import { natsConfig } from "./nats-config.ts";
import { SENDER_CHANNELS, type SenderChannel } from "./sender-channels.ts";
import { sendingConfig, submissionsConfig } from "./sending-config.ts";
import type { SettingPath, SettingValues } from "./settings.ts";
import { webhookConfig } from "./webhook-config.ts";

/** What the rules have found out about the values. */
export interface Findings {
  readonly baseUrl: string;
  readonly auth: UpstreamAuth;
  readonly ignored: readonly SettingPath[];
}

/** Makes the configuration of checked values. What no role needs is off. */
export function buildConfig(values: SettingValues, { baseUrl, auth, ignored }: Findings): Config {
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
    grpc: { listen: servesApi ? values["grpc.listen"] : undefined },
    http: { listen: servesApi ? values["http.listen"] : undefined },
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
    log: { level: values["log.level"], format: values["log.format"] },
    drainTimeoutMs: values.drain_timeout,
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
