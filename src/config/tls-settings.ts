import { setting } from "./setting.ts";
import * as types from "./value-types.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** What is asked of API clients at the handshake. */
export const CLIENT_AUTH = ["off", "optional", "required"] as const;
/** Least TLS versions that can be asked for. */
export const TLS_VERSIONS = ["1.2", "1.3"] as const;
/** Modes that a Unix socket can have: its owner alone, or the group of the process too. */
export const SOCKET_MODES = ["0600", "0660"] as const;

/** Empty means: required when there is an authority, else off. */
function clientAuth(): types.ValueType<(typeof CLIENT_AUTH)[number] | undefined> {
  return types.parsed((text) => {
    if (text === "") return undefined;
    const word = CLIENT_AUTH.find((candidate) => candidate === text);
    if (word === undefined) throw new Error(`must be one of ${CLIENT_AUTH.join(", ")}, or empty`);
    return word;
  });
}

function socketMode(name: string) {
  return setting(types.choice(SOCKET_MODES), {
    default: "0600",
    unit: "word",
    description: `Mode of the ${name} listener's Unix socket: \`0600\` (its owner alone) or \`0660\` (the group that the socket gets from the process or its folder, too).`,
  });
}

/** Settings of TLS on the gRPC and HTTP listeners. */
export const TLS_SETTINGS = {
  "tls.cert_file": setting(types.optionalText(), {
    default: "",
    unit: "path",
    description:
      "PEM file with the certificate of the gRPC and HTTP listeners and the chain above it. Their TCP addresses then speak TLS and nothing else; Unix sockets stay plain. Watched: a change is used within seconds.",
  }),
  "tls.key_file": setting(types.optionalText(), {
    default: "",
    unit: "path",
    description: "PEM file with the certificate's key, without a passphrase. Required with `tls.cert_file`.",
  }),
  "tls.client_ca_file": setting(types.optionalText(), {
    default: "",
    unit: "path",
    description: "PEM file with the authorities that client certificates must be signed by.",
  }),
  "tls.client_auth": setting(clientAuth(), {
    default: "",
    unit: "word",
    description:
      "Whether API clients show a certificate: `off`, `optional` (one that is shown must be good) or `required`. Empty: `required` when `tls.client_ca_file` is set, else `off`.",
  }),
  "tls.min_version": setting(types.choice(TLS_VERSIONS), {
    default: "1.2",
    unit: "word",
    description:
      "Least version of TLS on all listeners: `1.2` (with forward secrecy and AEAD only) or `1.3`.",
  }),
  "grpc.socket_mode": socketMode("gRPC"),
  "http.socket_mode": socketMode("HTTP"),
} as const;

/** Settings of TLS on the webhook listener. */
export const WEBHOOK_TLS_SETTINGS = {
  "webhook.tls_cert_file": setting(types.optionalText(), {
    default: "",
    unit: "path",
    description:
      "PEM file with the certificate of the webhook listener and the chain above it, where no proxy in front ends TLS. Watched as `tls.cert_file` is.",
  }),
  "webhook.tls_key_file": setting(types.optionalText(), {
    default: "",
    unit: "path",
    description: "PEM file with that certificate's key. Required with `webhook.tls_cert_file`.",
  }),
  "webhook.tls_client_ca_file": setting(types.optionalText(), {
    default: "",
    unit: "path",
    description:
      "PEM file with the authorities that senders' certificates must be signed by, for the word `mtls` of `webhook.<route>.require`.",
  }),
} as const;

/** Settings of how long connections of API clients live. */
export const CONNECTION_SETTINGS = {
  "limits.max_connection_age": setting(types.duration(1000, 30 * DAY), {
    default: "30m",
    unit: "duration",
    description:
      "After this time (± 10 %) a client's TCP connection is asked to end, so that clients spread over replicas.",
  }),
  "limits.max_connection_age_grace": setting(types.duration(0, DAY), {
    default: "30s",
    unit: "duration",
    description: "How long calls in progress on a connection of that age may go on.",
  }),
} as const;
