import { createServer, type Server as NetServer, type Socket } from "node:net";
import { type ConnectionInjector, Server, ServerCredentials } from "@grpc/grpc-js";
import type { ListenAddress } from "../config/listen-address.ts";
import { adaptService, type GrpcService } from "./grpc-adapter.ts";
import type { GrpcCallContext } from "./grpc-call-context.ts";
import { keepRequestEncoding } from "./grpc-compression.ts";
import { answerUnknownMethods, describeOwnErrors } from "./grpc-error-info.ts";
import { listen } from "./listen.ts";
import { draining, type RefusalHook } from "./refusal.ts";
import type { ServiceBinding } from "./service-binding.ts";
import { settlesWithin } from "./settles-within.ts";
import { closeSilent } from "./silent-sockets.ts";
import { STREAM_RESETS } from "./stream-resets.ts";

/** Limits of the gRPC listener and their defaults. */
export const GRPC_LIMITS = {
  /** Largest request message, in bytes, after decompression. */
  maxReceiveBytes: 4 * 1024 * 1024,
  /** Most calls at once on one connection. */
  maxConcurrentStreams: 1000,
  /** Most metadata of one request, in bytes. */
  maxMetadataBytes: 16 * 1024,
  /** Most connections at once. */
  maxConnections: 1000,
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
  /** Begins to listen; gives the bound address. Rejects with Node's error when it cannot. */
  start(): Promise<ListenAddress>;
  /**
   * Takes no more connections, tells clients to go elsewhere, and waits for the
   * calls in progress. Those that remain after `graceMs` are ended with
   * UNAVAILABLE DRAINING. Resolves when all connections are closed.
   */
  drain(graceMs: number): Promise<void>;
}

/** Time for the last statuses to leave before connections are cut, in milliseconds. */
const FAREWELL_MS = 250;
/** nghttp2 counts 32 bytes for each header field beside its text. */
const MIN_METADATA_BYTES = 4 * 1024;

/** Makes the listener for gRPC clients. */
export function createGrpcListener(options: GrpcListenerOptions): Listener {
  return new GrpcListener(options);
}

class GrpcListener implements Listener {
  readonly #options: GrpcListenerOptions;
  readonly #calls = new Set<GrpcCallContext>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #net: NetServer;
  #injector: ConnectionInjector | undefined;

  constructor(options: GrpcListenerOptions) {
    this.#options = options;
    const limits: GrpcLimits = { ...GRPC_LIMITS, ...options.limits };
    this.#server = createServerWith(options, limits, this.#calls);
    this.#net = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#net.maxConnections = limits.maxConnections;
  }

  async start(): Promise<ListenAddress> {
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    return listen(this.#net, this.#options.address);
  }

  async drain(graceMs: number): Promise<void> {
    const closed = this.#closed();
    // GOAWAY: open streams go on, new ones are refused, each connection closes when its last stream does.
    this.#injector?.drain(graceMs + FAREWELL_MS);
    closeSilent(this.#sockets);
    if (await settlesWithin(closed, graceMs)) return;
    for (const call of this.#calls) call.abort(draining(true));
    if (await settlesWithin(closed, FAREWELL_MS)) return;
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
    this.#injector?.destroy();
    this.#server.forceShutdown();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    this.#injector?.injectConnection(socket);
  }

  #closed(): Promise<void> {
    if (!this.#net.listening && this.#sockets.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#net.close(() => resolve()));
  }
}

function createServerWith(
  options: GrpcListenerOptions,
  limits: GrpcLimits,
  calls: Set<GrpcCallContext>,
): Server {
  const onRefusal = options.onRefusal ?? (() => undefined);
  const onTcp = options.address.kind === "tcp";
  const server = new Server({
    interceptors: [describeOwnErrors(onRefusal), keepRequestEncoding],
    "grpc.enable_channelz": 0,
    "grpc.max_receive_message_length": limits.maxReceiveBytes,
    "grpc.max_concurrent_streams": limits.maxConcurrentStreams,
    "grpc.max_connection_idle_ms": limits.maxConnectionIdleMs,
    ...(onTcp && {
      "grpc.max_connection_age_ms": limits.maxConnectionAgeMs,
      "grpc.max_connection_age_grace_ms": limits.maxConnectionAgeGraceMs,
      "grpc.keepalive_time_ms": limits.keepaliveTimeMs,
      "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
    }),
  });
  const settings = {
    maxConcurrentStreams: limits.maxConcurrentStreams,
    maxHeaderListSize: Math.max(limits.maxMetadataBytes, MIN_METADATA_BYTES),
  };
  Object.assign(Reflect.get(server, "commonServerOptions") as object, { settings, ...STREAM_RESETS });
  answerUnknownMethods(server, onRefusal);
  const now = options.now ?? Date.now;
  for (const binding of options.services)
    addService(server, adaptService(binding, { calls, onRefusal, now }));
  for (const service of options.rawServices ?? []) addService(server, service);
  return server;
}

function addService(server: Server, service: GrpcService): void {
  server.addService(service.definition, service.handlers);
}
