import {
  type ConnectionOptions,
  errors,
  NatsConnectionImpl,
  setTransportFactory,
} from "@nats-io/transport-node";
import { nodeResolveHost } from "@nats-io/transport-node/lib/node_transport.js";
import { systemTimer, type Timer } from "../timer.ts";
import { connectionOptions, serverAddresses } from "./connection-options.ts";
import { Link } from "./link.ts";
import { connectError, type NatsConnectError } from "./nats-connect-error.ts";
import type { NatsLink } from "./nats-link.ts";
import type { NatsOptions } from "./nats-options.ts";
import { Protocol } from "./protocol.ts";
import { GrowingWaits, type ReconnectWaits } from "./reconnect-waits.ts";
import { Transport } from "./transport.ts";

/** Oldest server with all that this service uses. */
const OLDEST_SERVER = [2, 9] as const;

/** Longest wait for one server to accept a connection and greet, in milliseconds. */
const DIAL_TIMEOUT_MS = 4_000;

/** Bytes that may wait in a socket beside those of publishers: twice what these may have in flight, and this. */
const UNSENT_HEADROOM_BYTES = 64 * 1024 * 1024;

/** How a connection is kept; the defaults are right but for tests. */
export interface ConnectionTimings {
  readonly waits: ReconnectWaits;
  /** Milliseconds between pings; a server that leaves two of them without an answer is given up at the third. */
  readonly pingIntervalMs: number;
  /** Attempts in a row that the server refuses for the credentials, after which the connection has failed for good. */
  readonly refusedAttempts: number;
  readonly timer: Timer;
  /** A number in [0, 1). */
  readonly random: () => number;
}

const DEFAULT_TIMINGS: ConnectionTimings = {
  waits: { first: 100, longest: 5_000 },
  pingIntervalMs: 2_000,
  refusedAttempts: 20,
  timer: systemTimer,
  random: Math.random,
};

/** Connects. Rejects with NatsConnectError when no server is connected in time, or when trying again is pointless. */
export async function connectNats(
  options: NatsOptions,
  timings: Partial<ConnectionTimings> = {},
): Promise<NatsLink> {
  const settled = { ...DEFAULT_TIMINGS, ...timings };
  const waits = new GrowingWaits(settled.waits, settled.random);
  const { connection, protocol } = prepare(options, settled, waits);
  const servers = serverAddresses(options.servers);
  try {
    await firstConnection(protocol, servers, options.connectTimeoutMs, settled.timer);
    checkVersion(protocol, servers);
  } catch (error) {
    await protocol.end();
    throw error;
  }
  return new Link({
    connection,
    protocol,
    servers,
    waits,
    options,
    refusedAttempts: settled.refusedAttempts,
  });
}

function prepare(options: NatsOptions, timings: ConnectionTimings, waits: GrowingWaits) {
  const maxUnsentBytes = 2 * options.maxInFlightBytes + UNSENT_HEADROOM_BYTES;
  setTransportFactory({ factory: () => new Transport(maxUnsentBytes), dnsResolveFn: nodeResolveHost });
  const settings: ConnectionOptions = {
    ...connectionOptions(options),
    timeout: Math.min(DIAL_TIMEOUT_MS, options.connectTimeoutMs),
    pingInterval: timings.pingIntervalMs,
    maxPingOut: 2,
    reconnectDelayHandler: () => waits.current,
    reconnectToServer: (pool) => {
      waits.attempted(pool.length);
      return null;
    },
  };
  // Built by hand, as the library's connect() hands the connection out only once it stands: it could not be given up.
  const connection = Reflect.construct(NatsConnectionImpl, [settings]) as NatsConnectionImpl;
  const protocol = new Protocol(connection.options, connection);
  connection.protocol = protocol;
  return { connection, protocol };
}

/** Resolves once connected; failures that another attempt does not change end it when every server had one. */
async function firstConnection(
  protocol: Protocol,
  servers: readonly string[],
  timeoutMs: number,
  timer: Timer,
): Promise<void> {
  const failed = Promise.withResolvers<never>();
  let last: Error | undefined;
  let pointless = 0;
  protocol.watcher = {
    status: () => {},
    dialFailed: (error) => {
      last = error;
      pointless = isPointless(error) ? pointless + 1 : 0;
      if (pointless >= servers.length) failed.reject(dialError(servers, error));
    },
  };
  const callOff = timer.schedule(timeoutMs, () => {
    const detail = last === undefined ? "no server answered" : last.message;
    const error = last === undefined ? undefined : dialError(servers, last);
    failed.reject(error ?? connectError("UNREACHABLE", servers, `${detail} within ${timeoutMs} ms`));
  });
  try {
    await Promise.race([protocol.dialLoop(), failed.promise]);
  } finally {
    callOff();
    protocol.watcher = undefined;
  }
}

function dialError(servers: readonly string[], error: Error): NatsConnectError {
  if (isRefusal(error)) return connectError("CREDENTIALS_REJECTED", servers, error.message, error);
  if (isTlsFailure(error)) return connectError("TLS_FAILED", servers, error.message, error);
  return connectError("UNREACHABLE", servers, error.message, error);
}

function isPointless(error: Error): boolean {
  return isRefusal(error) || isTlsFailure(error);
}

function isRefusal(error: Error): boolean {
  const isOfUser =
    error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError;
  return isOfUser && !/timeout/i.test(error.message);
}

/** Failures of certificates and handshakes, by Node's codes, OpenSSL's texts, and the library's words for a server without TLS. */
function isTlsFailure(error: Error): boolean {
  const { code = "" } = error as NodeJS.ErrnoException;
  return (
    /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|EPROTO)/.test(code) ||
    /'tls'|^error:[0-9a-f]{8}:/i.test(error.message)
  );
}

function checkVersion(protocol: Protocol, servers: readonly string[]): void {
  const version = protocol.info?.version ?? "";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wantedMajor, wantedMinor] = OLDEST_SERVER;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  const detail = `the server's version is ${version}, and ${OLDEST_SERVER.join(".")} or later is needed`;
  throw connectError("SERVER_TOO_OLD", servers, detail);
}
