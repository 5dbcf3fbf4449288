import { createServer, type Server } from "node:http";
import {
  constants,
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
  type ServerHttp2Session,
} from "node:http2";
import type { Socket } from "node:net";
import type { ListenAddress } from "../config/listen-address.ts";
import { toConnectError } from "../errors.ts";
import type { Listener } from "./grpc-listener.ts";
import { createRequestHandler } from "./http-request-handler.ts";
import { listen } from "./listen.ts";
import { peekProtocol } from "./protocol-peek.ts";
import { draining, type RefusalHook } from "./refusal.ts";
import type { ServiceBinding } from "./service-binding.ts";
import { settlesWithin } from "./settles-within.ts";
import { closeSilent } from "./silent-sockets.ts";
import { STREAM_RESETS } from "./stream-resets.ts";

/** Limits of the HTTP listener and their defaults. */
export const HTTP_LIMITS = {
  /** Largest request message, in bytes, after decompression. */
  maxReceiveBytes: 4 * 1024 * 1024,
  /** Longest deadline that a client may ask for, in milliseconds. */
  maxTimeoutMs: 24 * 60 * 60_000,
  /** Most connections at once. */
  maxConnections: 1000,
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
} as const;

/** What a limit of {@link HTTP_LIMITS} can be set to. */
export type HttpLimits = { readonly [K in keyof typeof HTTP_LIMITS]: number };

/** Options of {@link createHttpListener}. */
export interface HttpListenerOptions {
  readonly address: ListenAddress;
  readonly services: readonly ServiceBinding[];
  readonly limits?: Partial<HttpLimits>;
  /** Calls that were refused before any implementation saw them. */
  readonly onRefusal?: RefusalHook;
}

/** Time for the last answers to leave before connections are cut, in milliseconds. */
const FAREWELL_MS = 250;

/**
 * Makes the listener for Connect, gRPC-Web, JSON and gRPC clients: HTTP/1.1 and
 * cleartext HTTP/2 on one port.
 */
export function createHttpListener(options: HttpListenerOptions): Listener {
  return new HttpListener(options);
}

class HttpListener implements Listener {
  readonly #options: HttpListenerOptions;
  readonly #limits: HttpLimits;
  readonly #shutdown = new AbortController();
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #http1: Server;
  readonly #http2: Http2Server;
  #draining = false;

  constructor(options: HttpListenerOptions) {
    this.#options = options;
    this.#limits = { ...HTTP_LIMITS, ...options.limits };
    const handler = createRequestHandler({
      services: options.services,
      maxReceiveBytes: this.#limits.maxReceiveBytes,
      maxTimeoutMs: this.#limits.maxTimeoutMs,
      shutdownSignal: this.#shutdown.signal,
      onRefusal: options.onRefusal ?? (() => undefined),
    });
    this.#http1 = createHttp1(this.#limits, (request, response) => {
      response.once("close", () => this.#closeIdleWhenDraining());
      handler(request, response);
    });
    this.#http2 = createHttp2(this.#limits, bidiPaths(options.services), handler);
    this.#http2.on("session", (session) => this.#trackSession(session));
    this.#takeConnections();
  }

  start(): Promise<ListenAddress> {
    return listen(this.#http1, this.#options.address);
  }

  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    const closed = this.#closed();
    for (const session of this.#sessions) session.close();
    this.#http1.closeIdleConnections();
    closeSilent(this.#sockets);
    if (await settlesWithin(closed, graceMs)) return;
    this.#shutdown.abort(toConnectError(draining(true)));
    if (await settlesWithin(closed, FAREWELL_MS)) return;
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
  }

  /** The HTTP/1.1 server accepts all connections; those that speak HTTP/2 go to the other server. */
  #takeConnections(): void {
    const takeHttp1 = this.#http1.listeners("connection") as ((socket: Socket) => void)[];
    this.#http1.removeAllListeners("connection");
    this.#http1.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      peekProtocol(socket, {
        http1: (peeked) => {
          for (const take of takeHttp1) take.call(this.#http1, peeked);
        },
        http2: (peeked) => this.#http2.emit("connection", peeked),
        timeoutMs: this.#limits.headersTimeoutMs,
      });
    });
  }

  #trackSession(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.once("close", () => this.#sessions.delete(session));
    session.setTimeout(this.#limits.idleTimeoutMs, () => session.close());
  }

  /** A closing server closes the connections that are idle then; those that become so later would be kept alive. */
  #closeIdleWhenDraining(): void {
    // The connection counts as idle only once the response has been taken off it.
    if (this.#draining) setImmediate(() => this.#http1.closeIdleConnections());
  }

  #closed(): Promise<void> {
    if (!this.#http1.listening && this.#sockets.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#http1.close(() => resolve()));
  }
}

/** How often connections are checked for their timeouts, in milliseconds. */
const TIMEOUT_CHECK_MS = 1000;

type Handler = ReturnType<typeof createRequestHandler>;

function createHttp1(limits: HttpLimits, handler: Handler): Server {
  const server = createServer(
    {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      noDelay: true,
    },
    handler,
  );
  server.maxConnections = limits.maxConnections;
  return server;
}

/** Paths of the methods whose requests last as long as their calls. */
function bidiPaths(services: readonly ServiceBinding[]): ReadonlySet<string> {
  const methods = services.flatMap((binding) => binding.service.methods);
  const bidi = methods.filter((method) => method.methodKind === "bidi_streaming");
  return new Set(bidi.map((method) => `/${method.parent.typeName}/${method.name}`));
}

function createHttp2(limits: HttpLimits, endless: ReadonlySet<string>, handler: Handler): Http2Server {
  return createHttp2Server(
    {
      ...STREAM_RESETS,
      settings: {
        maxConcurrentStreams: limits.maxConcurrentStreams,
        maxHeaderListSize: limits.maxHeaderBytes,
      },
    },
    (request, response) => {
      const cut = () => cutSlowRequest(request, limits.requestTimeoutMs);
      // A client may go on after the answer, but not for ever.
      if (endless.has(request.url)) response.once("finish", cut);
      else cut();
      handler(request, response);
    },
  );
}

/** Node watches over slow HTTP/1.1 requests itself, but not over HTTP/2 streams. */
function cutSlowRequest(request: Http2ServerRequest, timeoutMs: number): void {
  const timer = setTimeout(() => request.stream.close(constants.NGHTTP2_CANCEL), timeoutMs);
  timer.unref();
  request.once("end", () => clearTimeout(timer));
  request.once("close", () => clearTimeout(timer));
}
