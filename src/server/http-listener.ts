import type { Server } from "node:http";
import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { ListenAddress } from "../config/listen-address.ts";
import { toConnectError } from "../errors.ts";
import { settlesWithin } from "../settles-within.ts";
import { systemTimer, type Timer } from "../timer.ts";
import { ConnectionAge } from "./connection-age.ts";
import { closeGracefully } from "./graceful-goaway.ts";
import type { Listener } from "./grpc-listener.ts";
import { createRequestHandler } from "./http-request-handler.ts";
import { bidiPaths, createHttp1, createHttp2 } from "./http-servers.ts";
import type { SocketMode } from "./listen.ts";
import { draining, type RefusalHook } from "./refusal.ts";
import type { ServiceBinding } from "./service-binding.ts";
import { connectionTaker, SocketFront } from "./socket-front.ts";
import { limitStreamResets, streamResetLimits } from "./stream-resets.ts";
import type { TlsCredentials } from "./tls/tls-credentials.ts";
import { HANDSHAKE_TIMEOUT_MS } from "./tls/tls-front.ts";

/** Limits of the HTTP listener and their defaults. */
export const HTTP_LIMITS = {
  /** Largest request message, in bytes, after decompression. */
  maxReceiveBytes: 4 * 1024 * 1024,
  /** Longest deadline that a client may ask for, in milliseconds. */
  maxTimeoutMs: 24 * 60 * 60_000,
  /** Most connections at once, TLS handshakes among them. */
  maxConnections: 1000,
  /** A TLS handshake must be done within so many milliseconds. */
  handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
  /** Most calls at once on one HTTP/2 connection. */
  maxConcurrentStreams: 1000,
  /** Most header bytes of one request. */
  maxHeaderBytes: 16 * 1024,
  /** A connection must show its protocol, and a request its header, within so many milliseconds. */
  headersTimeoutMs: 10_000,
  /** A request must be received as a whole within so many milliseconds; that of a bidirectional method so long after the answer. */
  requestTimeoutMs: 30_000,
  /** A connection without a call is closed after so many milliseconds. */
  idleTimeoutMs: 65_000,
  /** Connections are asked to end after this many milliseconds (± 10 %), so that clients spread over replicas. TCP only. */
  maxConnectionAgeMs: 30 * 60_000,
  /** Calls in progress on a connection of that age have this many milliseconds more. */
  maxConnectionAgeGraceMs: 30_000,
} as const;

/** What a limit of {@link HTTP_LIMITS} can be set to. */
export type HttpLimits = { readonly [K in keyof typeof HTTP_LIMITS]: number };

/** Options of {@link createHttpListener}. */
export interface HttpListenerOptions {
  readonly address: ListenAddress;
  /** Mode of a Unix socket. Default: 0600. */
  readonly socketMode?: SocketMode;
  /** With them a TCP address speaks TLS. */
  readonly tls?: TlsCredentials | undefined;
  readonly services: readonly ServiceBinding[];
  readonly limits?: Partial<HttpLimits>;
  /** Calls that were refused before any implementation saw them. */
  readonly onRefusal?: RefusalHook;
  /** For the age of connections. Default: the system's. */
  readonly timer?: Timer;
  /** From 0 to 1, for the same. */
  readonly random?: () => number;
}

/** Time for the last answers to leave before connections are cut, in milliseconds. */
const FAREWELL_MS = 250;

/**
 * Makes the listener for Connect, gRPC-Web, JSON and gRPC clients: HTTP/1.1 and
 * HTTP/2 on one port, in clear or over TLS.
 */
export function createHttpListener(options: HttpListenerOptions): Listener {
  return new HttpListener(options);
}

class HttpListener implements Listener {
  readonly #limits: HttpLimits;
  readonly #shutdown = new AbortController();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #http1: Server;
  readonly #http2: Http2Server;
  readonly #takeHttp1: (socket: Socket) => void;
  readonly #front: SocketFront;
  /** Undefined on a Unix socket, whose clients have nowhere else to go. */
  readonly #age: ConnectionAge | undefined;
  #draining = false;

  constructor(options: HttpListenerOptions) {
    const limits: HttpLimits = { ...HTTP_LIMITS, ...options.limits };
    this.#limits = limits;
    this.#age = options.address.kind === "tcp" ? connectionAge(options, limits) : undefined;
    const handler = createRequestHandler({
      services: options.services,
      maxReceiveBytes: limits.maxReceiveBytes,
      maxTimeoutMs: limits.maxTimeoutMs,
      shutdownSignal: this.#shutdown.signal,
      onRefusal: options.onRefusal ?? (() => undefined),
    });
    this.#http1 = createHttp1(limits, (request, response) => {
      this.#age?.requested(request.socket, response);
      response.once("close", () => this.#closeIdleWhenDraining());
      handler(request, response);
    });
    this.#http2 = createHttp2(limits, bidiPaths(options.services), handler);
    this.#http2.on("session", (session) => this.#trackSession(session));
    // The HTTP/1.1 server accepts all connections; those that speak HTTP/2 go to the other server.
    this.#takeHttp1 = connectionTaker(this.#http1);
    this.#front = new SocketFront({
      ...options,
      server: this.#http1,
      protocols: ["h2", "http/1.1"],
      maxConnections: limits.maxConnections,
      handshakeTimeoutMs: limits.handshakeTimeoutMs,
    });
  }

  get connections(): number {
    return this.#front.connections;
  }

  start(): Promise<ListenAddress> {
    return this.#front.startPeeking({
      http1: (socket) => {
        this.#age?.beganHttp1(socket);
        this.#takeHttp1(socket);
      },
      http2: (socket) => this.#http2.emit("connection", socket),
      timeoutMs: this.#limits.headersTimeoutMs,
    });
  }

  async drain(graceMs: number): Promise<boolean> {
    this.#draining = true;
    const closed = this.#front.close();
    for (const session of this.#sessions) closeGracefully(session);
    this.#http1.closeIdleConnections();
    this.#front.closeSilent();
    if (await settlesWithin(closed, graceMs)) return true;
    this.#shutdown.abort(toConnectError(draining(true)));
    if (await settlesWithin(closed, FAREWELL_MS)) return false;
    this.#front.closeAll();
    await closed;
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
    this.#front[Symbol.dispose]();
  }

  #trackSession(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.once("close", () => this.#sessions.delete(session));
    limitStreamResets(session, streamResetLimits(this.#limits.maxConcurrentStreams));
    session.setTimeout(this.#limits.idleTimeoutMs, () => session.close());
    this.#age?.began(session);
  }

  /** A closing server closes the connections that are idle then; those that become so later would be kept alive. */
  #closeIdleWhenDraining(): void {
    // The connection counts as idle only once the response has been taken off it.
    if (this.#draining) setImmediate(() => this.#http1.closeIdleConnections());
  }
}

function connectionAge(options: HttpListenerOptions, limits: HttpLimits): ConnectionAge {
  return new ConnectionAge({
    maxAgeMs: limits.maxConnectionAgeMs,
    graceMs: limits.maxConnectionAgeGraceMs,
    timer: options.timer ?? systemTimer,
    random: options.random ?? Math.random,
  });
}
