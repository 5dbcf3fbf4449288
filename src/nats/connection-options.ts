import {
  type Authenticator,
  type ConnectionOptions,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from "@nats-io/transport-node";
import { connectError } from "./nats-connect-error.ts";
import type { NatsAuth, NatsOptions } from "./nats-options.ts";

const SCHEME = /^(nats|tls):\/\//i;
const DEFAULT_PORT = 4222;

/** Addresses as `host:port`, for texts and for dialling. @throws NatsConnectError URL_INVALID, with the addresses' credentials hidden */
export function serverAddresses(servers: readonly string[]): string[] {
  if (servers.length === 0) throw connectError("URL_INVALID", [], "no server is configured");
  return servers.map(address);
}

/** What the client library is told. @throws NatsConnectError URL_INVALID or CREDENTIALS_MALFORMED */
export function connectionOptions(options: NatsOptions): ConnectionOptions {
  const servers = serverAddresses(options.servers);
  const authenticator = authenticatorOf(options.auth);
  try {
    // The library would only find out while it connects, and close without a reason.
    authenticator?.("nonce");
  } catch {
    // Its text may hold a part of the seed.
    throw connectError("CREDENTIALS_MALFORMED", servers, `the ${options.auth.kind} cannot be read`);
  }
  return {
    servers,
    name: options.name,
    ...(authenticator && { authenticator }),
    tls: tlsOptions(options),
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
  };
}

function address(server: string): string {
  const scheme = SCHEME.exec(server);
  const rest = server.slice(scheme?.[0].length ?? 0);
  const host = rest.slice(rest.lastIndexOf("@") + 1);
  if (host !== rest) throw connectError("URL_INVALID", [host], "credentials must not be in the address");
  const url = scheme === null || /[\s/?#]/.test(rest) ? null : URL.parse(`nats://${rest}`);
  if (url === null || url.hostname === "") {
    throw connectError("URL_INVALID", [server], "this is no address of a NATS server");
  }
  return `${url.hostname}:${url.port || DEFAULT_PORT}`;
}

function authenticatorOf(auth: NatsAuth): Authenticator | undefined {
  const encode = (text: string) => new TextEncoder().encode(text);
  switch (auth.kind) {
    case "none":
      return undefined;
    case "password":
      return usernamePasswordAuthenticator(auth.user, () => auth.password.reveal());
    case "token":
      return tokenAuthenticator(() => auth.token.reveal());
    case "nkey":
      return nkeyAuthenticator(() => encode(auth.seed.reveal().trim()));
    case "creds":
      return credsAuthenticator(() => encode(auth.creds.reveal()));
  }
}

/** Undefined leaves it to the server whether the connection is secure. */
function tlsOptions({ tls, servers }: NatsOptions): ConnectionOptions["tls"] {
  if (tls === undefined) return servers.some((server) => /^tls:/i.test(server)) ? {} : undefined;
  const { ca, cert, key } = tls;
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key: key.reveal() }) };
}
