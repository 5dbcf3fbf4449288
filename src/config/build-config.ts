import type { Config, UpstreamAuth } from "./config.ts";
import { SENDER_CHANNELS, type SenderChannel } from "./sender-channels.ts";
import { sendingConfig, submissionsConfig } from "./sending-config.ts";
import type { SettingValues } from "./settings.ts";
import { webhookConfig } from "./webhook-config.ts";

/** Makes the configuration of checked values. `baseUrl` and `auth` are what the rules have found complete. */
export function buildConfig(values: SettingValues, baseUrl: string, auth: UpstreamAuth): Config {
  return deepFreeze({
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
    grpc: { listen: values["grpc.listen"] },
    http: { listen: values["http.listen"] },
    webhook: webhookConfig(values),
    pull: {
      reports: values["pull.reports"],
      inbound: values["pull.inbound"],
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
      url: values["eventlog.url"] ?? "",
      retention: {
        ageMs: values["eventlog.retention_age"],
        bytes: values["eventlog.retention_bytes"],
      },
    },
    events: { sendResults: values["events.send_results"] },
    log: { level: values["log.level"], format: values["log.format"] },
    drainTimeoutMs: values.drain_timeout,
    insecureListen: values.insecure_listen,
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
