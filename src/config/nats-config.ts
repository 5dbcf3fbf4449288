import type { NatsAuth, NatsOptions, NatsTls } from "../nats/nats-options.ts";
import { isTlsUrl } from "./nats-urls.ts";
import type { SettingPath, SettingValues } from "./settings.ts";

/** Name of the connection, for operators of the servers. */
const CONNECTION_NAME = "infobip-rpc";

/** An event log that NATS JetStream keeps. */
export interface NatsConfig {
  readonly options: NatsOptions;
  /** Beginning of the streams' names. */
  readonly prefix: string;
  /** Servers that keep each message. */
  readonly replicas: number;
  /** How long the servers remember events to refuse repeats. */
  readonly dedupeWindowMs: number;
  /** Storage for subscriptions and dead letters. */
  readonly subscriptionsBytes: number;
}

/** Settings that {@link NatsConfig} is made of. */
export type NatsSettingPath = "eventlog.url" | Extract<SettingPath, `nats.${string}`>;

/** Makes the configuration of NATS of checked values; undefined when the event log is the embedded one. */
export function natsConfig(values: Pick<SettingValues, NatsSettingPath>): NatsConfig | undefined {
  const servers = values["eventlog.url"];
  if (servers.length === 0) return undefined;
  return {
    options: {
      servers,
      auth: natsAuth(values),
      tls: natsTls(servers, values),
      name: CONNECTION_NAME,
      connectTimeoutMs: values["nats.connect_timeout"],
      requestTimeoutMs: values["nats.request_timeout"],
      maxInFlightBytes: values["nats.max_in_flight_bytes"],
    },
    prefix: values["nats.prefix"],
    replicas: values["nats.replicas"],
    dedupeWindowMs: values["nats.dedupe_window"],
    subscriptionsBytes: values["nats.subscriptions_bytes"],
  };
}

/** The rules have made sure that there is one kind of credentials at most, and whole. */
function natsAuth(values: Pick<SettingValues, NatsSettingPath>): NatsAuth {
  const user = values["nats.user"];
  const password = values["nats.password"];
  const token = values["nats.token"];
  const seed = values["nats.nkey_seed"];
  const creds = values["nats.credentials"];
  if (user !== undefined && password) return { kind: "password", user, password };
  if (token) return { kind: "token", token };
  if (seed) return { kind: "nkey", seed };
  return creds ? { kind: "creds", creds } : { kind: "none" };
}

/** Whoever names certificates, or tls:// as the scheme, wants an encrypted connection whatever the server asks for. */
function natsTls(
  servers: readonly string[],
  values: Pick<SettingValues, NatsSettingPath>,
): NatsTls | undefined {
  const ca = values["nats.tls_ca"];
  const cert = values["nats.tls_cert"];
  const key = values["nats.tls_key"];
  if (ca === undefined && cert === undefined && !servers.every(isTlsUrl)) return undefined;
  return { ...(ca === undefined ? {} : { ca }), ...(cert === undefined || !key ? {} : { cert, key }) };
}
