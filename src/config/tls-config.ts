import type { SettingPath, SettingValues } from "./settings.ts";
import type { CLIENT_AUTH, TLS_VERSIONS } from "./tls-settings.ts";

/** TLS of a listener, by the names of its files. */
export interface TlsConfig {
  readonly certFile: string;
  readonly keyFile: string;
  /** Authorities of client certificates. */
  readonly clientCaFile: string | undefined;
  /** `optional`: whoever shows no certificate is let in without an identity. */
  readonly clientAuth: (typeof CLIENT_AUTH)[number];
  readonly minVersion: (typeof TLS_VERSIONS)[number];
  /** Settings that name the files, for messages. */
  readonly settings: {
    readonly cert: SettingPath;
    readonly key: SettingPath;
    readonly clientCa: SettingPath;
  };
}

/** How long connections of API clients live, in milliseconds. */
export interface ConnectionConfig {
  readonly maxConnectionAgeMs: number;
  readonly maxConnectionAgeGraceMs: number;
}

/** TLS of the gRPC and HTTP listeners' TCP addresses; undefined when they are plain. Throws nothing: the rules have looked before. */
export function apiTls(values: SettingValues): TlsConfig | undefined {
  const certFile = values["tls.cert_file"];
  const keyFile = values["tls.key_file"];
  if (certFile === undefined || keyFile === undefined) return undefined;
  const clientCaFile = values["tls.client_ca_file"];
  const clientAuth = values["tls.client_auth"] ?? (clientCaFile === undefined ? "off" : "required");
  return {
    certFile,
    keyFile,
    clientCaFile,
    clientAuth,
    minVersion: values["tls.min_version"],
    settings: { cert: "tls.cert_file", key: "tls.key_file", clientCa: "tls.client_ca_file" },
  };
}

/** TLS of the webhook listener. Its routes ask for certificates one by one, so the handshake does not insist. */
export function webhookTls(values: SettingValues): TlsConfig | undefined {
  const certFile = values["webhook.tls_cert_file"];
  const keyFile = values["webhook.tls_key_file"];
  if (certFile === undefined || keyFile === undefined) return undefined;
  const clientCaFile = values["webhook.tls_client_ca_file"];
  return {
    certFile,
    keyFile,
    clientCaFile,
    clientAuth: clientCaFile === undefined ? "off" : "optional",
    minVersion: values["tls.min_version"],
    settings: {
      cert: "webhook.tls_cert_file",
      key: "webhook.tls_key_file",
      clientCa: "webhook.tls_client_ca_file",
    },
  };
}

/** How long connections live. */
export function connectionConfig(values: SettingValues): ConnectionConfig {
  return {
    maxConnectionAgeMs: values["limits.max_connection_age"],
    maxConnectionAgeGraceMs: values["limits.max_connection_age_grace"],
  };
}
