import { createServer, type Socket } from "node:net";
import { type ConnectionInjector, type Server, ServerCredentials } from "@grpc/grpc-js";
import type { ListenAddress } from "../config/listen-address.ts";
import { settlesWithin } from "../settles-within.ts";
import type { GrpcService } from "./grpc-adapter.ts";
import type { GrpcCallContext } from "./grpc-call-context.ts";
import { createGrpcServer, limitResets } from "./grpc-server.ts";
import { SlowRequests } from "./grpc-slow-requests.ts";
import type { SocketMode } from "./listen.ts";
import { draining, type RefusalHook } from "./refusal.ts";
import type { ServiceBinding } from "./service-binding.ts";
import { SocketFront } from "./socket-front.ts";
import type { TlsCredentials } from "./tls/tls-credentials.ts";
import { HANDSHAKE_TIMEOUT_MS } from "./tls/tls-front.ts";

/** Limits of the gRPC listener and their defaults. */
export const GRPC_LIMITS = {
  /** Largest request message, in bytes, after decompression. */
  maxReceiveBytes: 4 * 1024 * 1024,
  /** Most calls at once on one connection. */
  maxConcurrentStreams: 1000,
  /** Most metadata of one request, in bytes. */
  maxMetadataBytes: 16 * 1024,
  /** Most connections at once, TLS handshakes among them. */
  maxConnections: 1000,
  /** A TLS handshake must be done within so many milliseconds. */
  handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
  /** A connection must begin to speak HTTP/2 within so many milliseconds. */
  prefaceTimeoutMs: 10_000,
  /** The request of a method that takes one must be received as a whole within so many milliseconds. */
  requestTimeoutMs: 30_000,
  /** Connections without a call are closed after this many milliseconds. */
  maxConnectionIdleMs: 15 * 60_000,
  /** Connections are closed after this many milliseconds (± 10 %), so that clients spread over replicas. TCP only. */
  maxConnectionAgeMs: 30 * 60_000,
  /** Calls in progress on a connection of that age have this many milliseconds more. */
  maxConnectionAgeGraceMs: 30_000,
  /** A PING is sent to every client this often, in milliseconds. TCP only. */
  keepaliveTimeMs: 60_000,
  /** A client that leaves a PING unanswered for this many milliseconds is gone. */
  keepaliveTimeoutMs: 20_000,
} as const;

/** What a limit of {@link GRPC_LIMITS} can be set to. */
export type GrpcLimits = { readonly [K in keyof typeof GRPC_LIMITS]: number };

/** Options of {@link createGrpcListener}. */
export interface GrpcListenerOptions {
  readonly address: ListenAddress;
  /** Mode of a Unix socket. Default: 0600. */
  readonly socketMode?: SocketMode;
  /** With them a TCP address speaks TLS. */
  readonly tls?: TlsCredentials | undefined;
  readonly services: readonly ServiceBinding[];
  /** Services that need grpc-js itself, such as reflection. */
  readonly rawServices?: readonly GrpcService[];
  readonly limits?: Partial<GrpcLimits>;
  /** Calls that were refused before any implementation saw them. */
  readonly onRefusal?: RefusalHook;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

/** A server that is started, drained and then disposed of. */
export interface Listener extends AsyncDisposable {
  /** Connections that are open. */
  readonly connections: number;
  /** Begins to listen; gives the bound address. Rejects with Node's error when it cannot. */
  start(): Promise<ListenAddress>;
  /**
   * Takes no more connections, tells clients to go elsewhere, and waits for the
   * calls in progress. Those that remain after `graceMs` are ended with
   * UNAVAILABLE DRAINING. Resolves when all connections are closed, with
   * whether all calls had ended by then.
   */
  drain(graceMs: number): Promise<boolean>;
}

/** Time for the last statuses to leave before connections are cut, in milliseconds. */
const FAREWELL_MS = 250;

/** Makes the listener for gRPC clients. */
export function createGrpcListener(options: GrpcListenerOptions): Listener {
  return new GrpcListener(options);
}

class GrpcListener implements Listener {
  readonly #limits: GrpcLimits;
  readonly #calls = new Set<GrpcCallContext>();
  readonly #slow: SlowRequests;
  readonly #server: Server;
  readonly #front: SocketFront;
  #injector: ConnectionInjector | undefined;

  constructor(options: GrpcListenerOptions) {
    const limits: GrpcLimits = { ...GRPC_LIMITS, ...options.limits };
    this.#limits = limits;
    this.#slow = new SlowRequests(limits.requestTimeoutMs);
    this.#server = createGrpcServer(options, limits, { calls: this.#calls, slow: this.#slow });
    this.#front = new SocketFront({
      ...options,
      server: createServer({ noDelay: true }),
      protocols: ["h2"],
      maxConnections: limits.maxConnections,
      handshakeTimeoutMs: limits.handshakeTimeoutMs,
    });
  }

  get connections(): number {
    return this.#front.connections;
  }

  async start(): Promise<ListenAddress> {
    const injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    this.#injector = injector;
    limitResets(this.#server, this.#limits);
    return await this.#front.startPeeking({
      http1: (socket: Socket) => void socket.destroy(),
      http2: (socket: Socket) => injector.injectConnection(socket),
      timeoutMs: this.#limits.prefaceTimeoutMs,
    });
  }

  async drain(graceMs: number): Promise<boolean> {
    const closed = this.#front.close();
    // GOAWAY: open streams go on, new ones are refused, each connection closes when its last stream does.
    this.#injector?.drain(graceMs + FAREWELL_MS);
    this.#front.closeSilent();
    if (await settlesWithin(closed, graceMs)) return true;
    const haveCallsEnded = this.#calls.size === 0;
    for (const call of this.#calls) call.abort(draining(true));
    if (await settlesWithin(closed, FAREWELL_MS)) return haveCallsEnded;
    this.#front.closeAll();
    await closed;
    return haveCallsEnded;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
    this.#front[Symbol.dispose]();
    this.#slow[Symbol.dispose]();
    this.#injector?.destroy();
    this.#server.forceShutdown();
  }
}
