/**
 * Why there is no connection to NATS. UNREACHABLE: no server answered in time.
 * CREDENTIALS_REJECTED: the server refuses this process. CREDENTIALS_MALFORMED:
 * the seed or .creds text cannot be read. TLS_FAILED: no secure connection
 * comes about. URL_INVALID: a server's address cannot be used.
 * SERVER_TOO_OLD: the server lacks what this service needs.
 */
export type ConnectFailureReason =
  | "UNREACHABLE"
  | "CREDENTIALS_REJECTED"
  | "CREDENTIALS_MALFORMED"
  | "TLS_FAILED"
  | "URL_INVALID"
  | "SERVER_TOO_OLD";

/** There is no connection to NATS, or it has ended for good. The text says what to do; it holds no secret. */
export class NatsConnectError extends Error {
  override readonly name = "NatsConnectError";
  readonly reason: ConnectFailureReason;

  constructor(reason: ConnectFailureReason, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/** What is to be done about each reason, for operators. */
const ADVICE: Readonly<Record<ConnectFailureReason, string>> = {
  UNREACHABLE: "check the addresses, that nats-server runs, and that nothing between blocks the port",
  CREDENTIALS_REJECTED: "check the user, token, nkey or .creds file, and that the server's account allows it",
  CREDENTIALS_MALFORMED: "give the seed or the .creds file as the nk or nsc tool wrote it",
  TLS_FAILED: "check that the server offers TLS, and the CA, certificate and key that are configured",
  URL_INVALID: "write nats://host:port or tls://host:port, and credentials in their own settings",
  SERVER_TOO_OLD: "upgrade nats-server",
};

/** Words the error of a connection that did not come about. `servers` are addresses without credentials. */
export function connectError(
  reason: ConnectFailureReason,
  servers: readonly string[],
  detail: string,
  cause?: unknown,
): NatsConnectError {
  const text = `cannot connect to NATS at ${servers.join(", ")}: ${detail}; ${ADVICE[reason]}`;
  return new NatsConnectError(reason, text, cause);
}
